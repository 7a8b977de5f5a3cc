import { createHash, randomBytes } from 'node:crypto';
import { type Role, ROLES } from '../access/roles.js';

/** A token as it is kept: of its secret only the hash. */
export interface StaticToken {
  /** Of the program or person that has it, for the audit. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256. */
  readonly hash: Buffer;
}

export interface ReadTokens {
  readonly tokens: readonly StaticToken[];
  /** None quotes what was given: it may be a token in the wrong place. */
  readonly problems: readonly string[];
}

const PREFIX = 'agentmq_';
const SECRET_BYTES = 32;
const nameRule = /^[A-Za-z0-9@._-]{1,64}$/;
const hashRule = /^[0-9a-f]{64}$/;

/** A token has 256 random bits, so its hash need not be a slow one: there is nothing to guess. */
export const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** A new token, and the line that it is known by. Throws `RangeError` for a name that is none. */
export function generateToken(name: string, role: Role): { readonly token: string; readonly line: string } {
  if (!nameRule.test(name)) throw new RangeError(NAME_PROBLEM);
  const token = PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
  return { token, line: `${name}:${role}:${hashOf(token).toString('hex')}` };
}

/** Reads `name:role:hash` entries, separated by commas or lines; lines that begin with `#` are comments. */
export function readTokens(text: string): ReadTokens {
  const tokens: StaticToken[] = [];
  const problems: string[] = [];
  const entries = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => line.split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  entries.forEach((entry, index) => {
    const problem = problemOf(entry, tokens);
    if (problem !== undefined) return problems.push(`token ${index + 1}: ${problem}`);
    const [name = '', role, hash = ''] = entry.split(':');
    return tokens.push({ name, role: role as Role, hash: Buffer.from(hash, 'hex') });
  });
  return { tokens, problems };
}

const NAME_PROBLEM = 'a name has 1-64 letters, digits, "_", "-", "." or "@"';

function problemOf(entry: string, before: readonly StaticToken[]): string | undefined {
  const [name = '', role = '', hash = '', ...more] = entry.split(':');
  if (entry.startsWith(PREFIX))
    return 'is a token itself: keep the line with its hash here, as agentmq tokens generate prints it';
  if (!nameRule.test(name)) return `must begin with its name and a colon: ${NAME_PROBLEM}`;
  if (!(ROLES as readonly string[]).includes(role)) return `must have its role after the name: ${ROLES.join(', ')}`;
  if (!hashRule.test(hash) || more.length > 0) return 'must end with the SHA-256 of the token, 64 hexadecimal digits';
  return before.some((token) => token.name === name) ? 'has the name of a token before it' : undefined;
}
