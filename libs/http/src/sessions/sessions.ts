import { randomBytes, randomUUID } from 'node:crypto';
import type { Caller } from '../access/caller.js';
import { type Role, ROLES } from '../access/roles.js';
import { UnauthenticatedError } from '../errors.js';

export interface SessionOptions {
  /** In base64; a random one, of this process, where it is empty. */
  readonly sessionSecret: string;
  /** In ms. */
  readonly sessionTime: number;
}

/** What a session was begun with. */
export interface Identity {
  readonly name: string;
  readonly roles: readonly Role[];
  /** The SHA-256 of its static token: the session ends when that is no longer kept. */
  readonly hash?: Buffer;
  /** When what it was begun with ends, in ms since 1970. */
  readonly endsAt?: number;
}

export interface Session extends Identity {
  readonly id: string;
  readonly endsAt: number;
}

const COOKIE = 'agentmq_session';
const ALGORITHM = 'HS256';
const SECRET_BYTES = 32;

/**
 * Sessions of the page: a signed cookie that scripts can't read and other sites' pages can't send. Nothing is stored, so a
 * monitor takes those of the others that have its secret; that one was ended by its user is known to this process alone, and
 * its browser forgets it. `jose` is loaded with the first of them.
 */
export class Sessions {
  private readonly secret: Uint8Array;
  private readonly ended = new Map<string, number>();

  constructor(private readonly options: SessionOptions) {
    const { sessionSecret } = options;
    this.secret = sessionSecret === '' ? randomBytes(SECRET_BYTES) : Buffer.from(sessionSecret, 'base64');
  }

  /** Resolves with the `Set-Cookie` that begins a session. `secure`: it came over TLS. */
  async begin({ name, roles, hash, endsAt = Infinity }: Identity, secure: boolean): Promise<string> {
    const { SignJWT } = await import('jose');
    const ends = Math.floor(Math.min(endsAt, Date.now() + this.options.sessionTime) / 1_000);
    const token = await new SignJWT({ roles, ...(hash ? { hash: hash.toString('hex') } : {}) })
      .setProtectedHeader({ alg: ALGORITHM })
      .setSubject(name)
      .setJti(randomUUID())
      .setExpirationTime(ends)
      .sign(this.secret);
    return cookie(token, Math.max(0, ends - Math.floor(Date.now() / 1_000)), secure);
  }

  /** Resolves with the session of a request's cookies; undefined where there is none. Rejects with `UnauthenticatedError` for one that has ended. */
  async of(cookies: string | undefined): Promise<Session | undefined> {
    const [, token] = new RegExp(`(?:^|;\\s*)${COOKIE}=([^;\\s]+)`).exec(cookies ?? '') ?? [];
    if (token === undefined) return undefined;
    const { jwtVerify } = await import('jose');
    const { payload } = await jwtVerify(token, this.secret, { algorithms: [ALGORITHM] }).catch((cause: unknown) => {
      throw new UnauthenticatedError(ENDED, true, { cause });
    });
    const { sub: name = '', jti: id = '', exp = 0, roles, hash } = payload;
    if (this.ended.has(id)) throw new UnauthenticatedError(ENDED, true);
    return {
      id,
      name,
      roles: ROLES.filter((role) => Array.isArray(roles) && roles.includes(role)),
      endsAt: 1_000 * exp,
      ...(typeof hash === 'string' ? { hash: Buffer.from(hash, 'hex') } : {}),
    };
  }

  /** Ends a session, and returns the `Set-Cookie` that has its browser forget it. */
  end(session: Session | undefined, secure: boolean): string {
    const now = Date.now();
    for (const [id, endsAt] of this.ended) if (endsAt < now) this.ended.delete(id);
    if (session) this.ended.set(session.id, session.endsAt);
    return cookie('', 0, secure);
  }
}

const ENDED = 'the session has ended';

const cookie = (value: string, maxAgeS: number, secure: boolean): string =>
  `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secure ? '; Secure' : ''}`;

export const callerWith = ({ name, roles }: Identity, via: Caller['via']): Caller => ({
  name,
  roles,
  anonymous: false,
  via,
});
