import type { SealedFor } from './sealer.js';
import { LONGEST_KID } from './sealing-keys.js';

/** What a sealed text says of itself, in clear: nothing of it is verified before it is opened. */
export interface Seal {
  readonly kid?: string;
  readonly bound?: SealedFor;
}

/** What is shown in place of what is sealed. */
export const sealedWith = (sealed: Uint8Array | string): string =>
  `sealed with key ${readSeal(sealed).kid ?? 'unknown'}`;

/** Never throws: of what is no sealed text there is nothing. */
export function readSeal(sealed: Uint8Array | string): Seal {
  try {
    const text = typeof sealed === 'string' ? sealed : Buffer.from(sealed).toString('latin1');
    const header: unknown = JSON.parse(Buffer.from(text.slice(0, text.indexOf('.')), 'base64url').toString());
    const { kid, agentmq: bound } = header as { kid?: unknown; agentmq?: unknown };
    return {
      ...(typeof kid === 'string' ? { kid: kid.slice(0, LONGEST_KID) } : {}),
      ...(typeof bound === 'object' && bound !== null ? { bound: bound as SealedFor } : {}),
    };
  } catch {
    return {};
  }
}
