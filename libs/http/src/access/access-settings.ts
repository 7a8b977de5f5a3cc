import { oneOf, readSmallFile, seconds, Setting, shownPath, text, urlOrNone, whole } from 'agentmq/settings';
import { readTokens, type StaticToken } from '../tokens/read-tokens.js';

const DAY_S = 86_400;
const DAY_MS = 1_000 * DAY_S;
const HOST = String.raw`(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?`;
const ORIGIN = String.raw`https?://[A-Za-z0-9.:[\]-]+`;
const PROXY = String.raw`(?:loopback|linklocal|uniquelocal|[0-9A-Fa-f.:]+(?:/\d{1,3})?)`;
const listOf = (entry: string): RegExp => new RegExp(`^(?:${entry}(?:,${entry})*)?$`);

/** Which callers an app answers over HTTP, from where, and how much they may ask. */
export class HttpAccessSettings {
  @Setting(
    text(),
    'HTTP_TOKENS',
    'bearer tokens as `agentmq tokens generate` prints them, `name:role:hash`, separated by commas: docs/ACCESS.md',
    { option: 'tokens' },
  )
  private givenTokens = '';

  /** Where the tokens were read from; empty if they were given themselves. */
  @Setting(text(), 'HTTP_TOKENS_FILE', 'a file with the same, one a line; read again when it has changed', {
    option: 'tokensFile',
  })
  tokensFile = '';

  @Setting(
    oneOf<'loopback' | 'allow'>(['loopback', 'allow']),
    'HTTP_ANONYMOUS',
    'without tokens: `loopback` answers programs of the same machine only, `allow` everybody who reaches the port',
  )
  anonymous: 'loopback' | 'allow' = 'loopback';

  @Setting(
    text(listOf(HOST), 'must be host names without ports, separated by commas; *.example.org has those below it'),
    'HTTP_ALLOWED_HOSTS',
    'names under which the app is asked, beside `localhost` and all addresses: host names, or `*.example.org`, separated by commas',
  )
  allowedHosts = '';

  @Setting(
    text(listOf(ORIGIN), 'must be origins such as https://agents.example.org, separated by commas'),
    'HTTP_ALLOWED_ORIGINS',
    'origins of the page where a proxy does not pass on the `Host` that it was asked under, separated by commas',
  )
  allowedOrigins = '';

  @Setting(urlOrNone(/^https?:\/\//, 'http or https'), 'HTTP_JWKS_URL', 'the keys (JWKS) of JSON Web Tokens')
  jwksUrl = '';

  @Setting(text(), 'HTTP_JWT_ISSUER', 'the `iss` that they have')
  jwtIssuer = '';

  @Setting(text(), 'HTTP_JWT_AUDIENCE', 'the `aud` that they are for')
  jwtAudience = '';

  @Setting(
    text(/^[^.\s]+(\.[^.\s]+)*$/, 'must be the name of a claim, or names with dots between them'),
    'HTTP_JWT_ROLES_CLAIM',
    'the claim that has `viewer`, `submitter` or `operator`: a text or a list; `realm_access.roles` is `roles` in `realm_access`',
  )
  jwtRolesClaim = 'roles';

  @Setting(
    text(/^[^.\s]+(\.[^.\s]+)*$/, 'must be the name of a claim, or names with dots between them'),
    'HTTP_JWT_NAME_CLAIM',
    'the claim that names the caller, for the audit',
  )
  jwtNameClaim = 'sub';

  @Setting(
    text(/^([A-Za-z0-9+/_-]{43,}={0,2})?$/, 'must be 32 bytes or more in base64'),
    'HTTP_SESSION_SECRET',
    'signs the sessions of the page, in base64: several monitors that have the same take each other’s',
    { default: 'random at each start' },
  )
  sessionSecret = '';

  @Setting(seconds(60, 7 * DAY_S), 'HTTP_SESSION_TIME', 'how long a session of the page lasts')
  sessionTime = DAY_MS / 2;

  @Setting(whole(0, 1_000_000), 'HTTP_RATE_LIMIT', 'requests a minute from one address; 0 for any number')
  rateLimit = 6_000;

  @Setting(whole(1, 1_000_000), 'HTTP_MAX_CONNECTIONS', 'connections at a time')
  maxConnections = 1_000;

  @Setting(
    text(
      listOf(PROXY),
      'must be addresses, networks such as 10.0.0.0/8, or loopback, linklocal, uniquelocal, separated by commas',
    ),
    'HTTP_TRUSTED_PROXIES',
    'addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, separated by commas; `loopback`, `linklocal` and `uniquelocal` name networks',
  )
  trustedProxies = '';

  tokens: readonly StaticToken[] = [];

  /** Whether callers have to show what they are. */
  get needsToken(): boolean {
    return this.tokens.length > 0 || this.jwksUrl !== '';
  }

  /** Reads the tokens that are given, and tells what is wrong with these settings together. */
  *problemsTogether(): Generator<string> {
    yield* this.readTokens();
    if (this.jwksUrl !== '' && (this.jwtIssuer === '' || this.jwtAudience === ''))
      yield 'HTTP_JWKS_URL: needs HTTP_JWT_ISSUER and HTTP_JWT_AUDIENCE: its tokens are for other apps too';
  }

  /** What is wrong with serving HTTP at an address: beyond loopback callers have to be known, unless all are allowed. */
  *problemsAt(address: string): Generator<string> {
    const areGiven = this.needsToken || this.givenTokens !== '' || this.tokensFile !== '';
    if (isLoopback(address) || areGiven || this.anonymous === 'allow') return;
    yield `HTTP_TOKENS: none are given, and HTTP is to be served at ${address === '' ? 'all addresses' : address}: give tokens (agentmq tokens generate), HTTP_JWKS_URL, HTTP_HOST=127.0.0.1, or HTTP_ANONYMOUS=allow`;
  }

  private readTokens(): readonly string[] {
    const { givenTokens, tokensFile } = this;
    if (givenTokens !== '' && tokensFile !== '') return ['HTTP_TOKENS_FILE: and HTTP_TOKENS can not both be given'];
    const source = tokensFile === '' ? 'HTTP_TOKENS' : 'HTTP_TOKENS_FILE';
    const found = tokensFile === '' ? { text: givenTokens } : readSmallFile(tokensFile);
    if ('problem' in found) return [`${source}: ${shownPath(tokensFile)} ${found.problem}`];
    const { tokens, problems } = readTokens(found.text);
    this.tokens = tokens;
    if (tokensFile !== '' && tokens.length === 0 && problems.length === 0)
      return [`${source}: ${shownPath(tokensFile)} has no tokens`];
    return problems.map((problem) => `${source}: ${problem}`);
  }
}

const isLoopback = (address: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(address);
