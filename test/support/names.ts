import { randomBytes } from 'node:crypto';

/**
 * A namespace that no other test uses: `<prefix>_<12 hex digits>`. Lower-case letters, digits and underscores only, so
 * that it is valid as a Postgres schema or database as well as in the names of queues and exchanges.
 */
export function randomNamespace(prefix = 'test'): string {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(prefix)) throw new Error(`not usable as the prefix of a namespace: ${prefix}`);
  return `${prefix}_${randomBytes(6).toString('hex')}`;
}
