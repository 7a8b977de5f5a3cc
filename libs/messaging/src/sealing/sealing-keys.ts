import type { KeyObject, webcrypto } from 'node:crypto';

/** Room for the name of a key at a key management service, in characters. */
export const LONGEST_KID = 256;

/** A key for AES key wrap, of 256 bits, and the name that what it has sealed tells: 256 characters at most. */
export interface SealingKey {
  readonly kid: string;
  readonly key: webcrypto.CryptoKey | KeyObject | Uint8Array;
}

/**
 * Where keys come from: the settings (`KeyRing`), or a class of the app's own that asks a key management service. It is
 * asked for each payload that is sealed or opened, so it keeps what it was given. What it rejects with fails the send, or the
 * attempt at the message, as a handler's error does.
 */
export abstract class SealingKeys {
  /** The key that seals. Rejects with `NoSealingKeysError` when there is none. */
  abstract newest(): Promise<SealingKey>;
  /** Undefined: there is no such key. `kid` is what a message names, which may be anything. */
  abstract find(kid: string): Promise<SealingKey | undefined>;
}
