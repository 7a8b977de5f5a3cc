import { createSecretKey, type KeyObject } from 'node:crypto';

/** A key as it is given: the secret is shown by no log. */
export interface RingKey {
  readonly kid: string;
  readonly secret: KeyObject;
}

export interface ReadKeys {
  /** The newest first. */
  readonly keys: readonly RingKey[];
  /** None quotes what was given: it may be a key in the wrong place. */
  readonly problems: string[];
}

const KEY_BYTES = 32;
const kidRule = /^[A-Za-z0-9._-]{1,64}$/;
const keyRule = /^[A-Za-z0-9+/_-]{43}=?$/;

/** Reads `kid:base64` entries, separated by commas or lines; lines that begin with `#` are comments. */
export function readKeys(text: string): ReadKeys {
  const keys: RingKey[] = [];
  const problems: string[] = [];
  const entries = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => line.split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  entries.forEach((entry, index) => {
    const bad = (problem: string): void => void problems.push(`key ${index + 1}: ${problem}`);
    const colon = entry.indexOf(':');
    const kid = entry.slice(0, Math.max(0, colon));
    const encoded = entry.slice(colon + 1);
    if (!kidRule.test(kid)) return bad('must begin with its id, 1-64 letters, digits, "_", "-" or ".", and a colon');
    if (!keyRule.test(encoded)) return bad(`must be ${KEY_BYTES} bytes in base64 after the colon`);
    if (keys.some((key) => key.kid === kid)) return bad('has the id of a key before it');
    keys.push({ kid, secret: createSecretKey(Buffer.from(encoded, 'base64')) });
  });
  return { keys, problems };
}
