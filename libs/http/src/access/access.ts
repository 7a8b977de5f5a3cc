import { ForbiddenError, UnauthenticatedError } from '../errors.js';
import { callerWith, type Identity, type Session, Sessions } from '../sessions/sessions.js';
import { JwtTokens } from '../tokens/jwt-tokens.js';
import { StaticTokens } from '../tokens/static-tokens.js';
import type { HttpAccessSettings } from './access-settings.js';
import { ANONYMOUS, type Caller, rememberCaller } from './caller.js';
import { type HttpRequest, isReading } from './http-request.js';
import { Provenance } from './provenance.js';
import { type Role, suffices } from './roles.js';

/** Decides which requests to our endpoints are answered, and by which caller they are made. */
export class Access {
  private readonly admitted = new WeakMap<object, Promise<Caller>>();
  private readonly provenance: Provenance;
  private readonly tokens: StaticTokens;
  private readonly jwts: JwtTokens | undefined;
  private readonly sessions: Sessions;

  constructor(private readonly settings: HttpAccessSettings) {
    this.provenance = new Provenance(settings);
    this.tokens = new StaticTokens(settings);
    this.jwts = settings.jwksUrl === '' ? undefined : new JwtTokens(settings);
    this.sessions = new Sessions(settings);
  }

  /** Throws where a request is one that a foreign page could have made; see `Provenance.check`. */
  check(request: HttpRequest): void {
    this.provenance.check(request);
  }

  /**
   * Resolves with the caller, if it has the role; decided once for each request. Rejects as `check` throws, with
   * `UnauthenticatedError`, `ForbiddenError`, and with `KeysUnavailableError`.
   */
  async admit(request: HttpRequest, needed: Role): Promise<Caller> {
    let admitted = this.admitted.get(request);
    if (!admitted) {
      admitted = this.identify(request);
      this.admitted.set(request, admitted);
    }
    const caller = await admitted;
    if (!suffices(caller.roles, needed)) throw new ForbiddenError(caller.name, needed);
    return caller;
  }

  /** Begins a session of the page with a token. Resolves with the caller, and the value of `Set-Cookie`; rejects as `admit` does. */
  async begin(token: string, secure: boolean): Promise<{ readonly caller: Caller; readonly cookie: string }> {
    const identity = await this.identityOf(token);
    const caller = callerWith(identity, 'page');
    if (!suffices(caller.roles, 'viewer')) throw new ForbiddenError(caller.name, 'viewer');
    return { caller, cookie: await this.sessions.begin(identity, secure) };
  }

  /** Ends the session that a request has, if it has one. Resolves with the value of `Set-Cookie`. */
  async end({ headers }: HttpRequest, secure: boolean): Promise<string> {
    const session = await this.sessions.of(headers.cookie).catch(() => undefined);
    return this.sessions.end(session, secure);
  }

  private async identify(request: HttpRequest): Promise<Caller> {
    this.check(request);
    const caller = await this.callerOf(request);
    rememberCaller(request, caller);
    return caller;
  }

  private async callerOf(request: HttpRequest): Promise<Caller> {
    const { authorization, cookie, origin } = request.headers;
    if (!this.settings.needsToken) return this.anonymous(request);
    if (authorization !== undefined) {
      const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
      if (token === undefined) throw new UnauthenticatedError('Authorization is to be: Bearer <token>', true);
      return callerWith(await this.identityOf(token), 'http');
    }
    const session = await this.sessions.of(cookie);
    if (!session) throw new UnauthenticatedError('a token is needed: Authorization: Bearer <token>', false);
    // browsers say from which page a change comes
    if (!isReading(request) && origin === undefined)
      throw new UnauthenticatedError('a session changes things only from its page: Origin is missing', true);
    return callerWith(await this.still(session), 'page');
  }

  /** Where no tokens are set: a program of the same machine, and not one that a proxy there passed on. */
  private anonymous({ headers, socket: { remoteAddress = '' } }: HttpRequest): Caller {
    const isHere = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(remoteAddress);
    const isPassedOn = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
    if (this.settings.anonymous === 'allow' || (isHere && !isPassedOn)) return ANONYMOUS;
    throw new UnauthenticatedError('this app has no tokens: it answers programs of its own machine only', false);
  }

  private async identityOf(token: string): Promise<Identity> {
    const known = await this.tokens.find(token);
    if (known) return { name: known.name, roles: [known.role], hash: known.hash };
    if (this.jwts && token.split('.').length === 3) return this.jwts.verify(token);
    throw new UnauthenticatedError('the token is not known', true);
  }

  /** What a session's token stands for now. */
  private async still(session: Session): Promise<Identity> {
    if (!session.hash) return session;
    const known = await this.tokens.withHash(session.hash);
    if (!known) throw new UnauthenticatedError('the token of the session is no longer known', true);
    return { name: known.name, roles: [known.role] };
  }
}
