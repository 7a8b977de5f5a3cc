import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { KeysUnavailableError, UnauthenticatedError } from '../errors.js';
import { type Role, ROLES } from '../access/roles.js';

export interface JwtOptions {
  readonly jwksUrl: string;
  readonly jwtIssuer: string;
  readonly jwtAudience: string;
  readonly jwtRolesClaim: string;
  readonly jwtNameClaim: string;
}

export interface JwtIdentity {
  readonly name: string;
  readonly roles: readonly Role[];
  /** When the token ends, in ms since 1970. */
  readonly endsAt: number;
}

/** With a public key alone: a key of the set must not be used as the secret of an HMAC. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const CLOCK_TOLERANCE_S = 5;
const TIMEOUT_MS = 5_000;
const LONGEST_NAME = 128;

/** JSON Web Tokens of an identity provider, by its published keys. `jose` is loaded with the first of them. */
export class JwtTokens {
  private keys: JWTVerifyGetKey | undefined;

  constructor(private readonly options: JwtOptions) {}

  /** Rejects with `UnauthenticatedError`, and with `KeysUnavailableError` while the provider is away. */
  async verify(token: string): Promise<JwtIdentity> {
    const { jwtIssuer: issuer, jwtAudience: audience, jwtNameClaim, jwtRolesClaim, jwksUrl } = this.options;
    const { createRemoteJWKSet, errors, jwtVerify } = await import('jose');
    this.keys ??= createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: TIMEOUT_MS });
    try {
      const { payload } = await jwtVerify(token, this.keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['exp'],
      });
      const name = claimOf(payload, jwtNameClaim);
      if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME)
        throw new UnauthenticatedError(
          `the token has no text of 1-${LONGEST_NAME} characters as ${jwtNameClaim}`,
          true,
        );
      return { name, roles: rolesIn(claimOf(payload, jwtRolesClaim)), endsAt: 1_000 * (payload.exp ?? 0) };
    } catch (error) {
      if (error instanceof UnauthenticatedError) throw error;
      // what jose throws itself is about the token; anything else, and a JWKS that is none, about the provider
      const ofKeys =
        !(error instanceof errors.JOSEError) ||
        isOneOf(error, [errors.JWKSTimeout, errors.JWKSInvalid, errors.JOSEError]);
      if (ofKeys) throw new KeysUnavailableError({ cause: error });
      throw new UnauthenticatedError(`the token is not taken: ${error.message}`, true, { cause: error });
    }
  }
}

const isOneOf = (error: object, classes: readonly unknown[]): boolean =>
  classes.some((each) => error.constructor === each);

const claimOf = (payload: JWTPayload, path: string): unknown =>
  Object.hasOwn(payload, path)
    ? payload[path]
    : path.split('.').reduce<unknown>((value, key) => {
        return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string, unknown>)[key]
          : undefined;
      }, payload);

function rolesIn(claim: unknown): readonly Role[] {
  const given: readonly unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return ROLES.filter((role) => given.includes(role));
}
