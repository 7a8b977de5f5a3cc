import { InvalidMessageError } from 'agentmq/protocol';
import { compactDecrypt, CompactEncrypt, errors } from 'jose';
import { SealedTamperedError, SealedUnknownKeyError } from './errors.js';
import { LONGEST_KID, type SealingKeys } from './sealing-keys.js';

/** The content type of what is sealed: a JWE in its compact form (RFC 7516). */
export const SEALED_TYPE = 'application/jose';

export const isSealed = ({ contentType }: { readonly contentType?: string }): boolean => contentType === SEALED_TYPE;

/**
 * What a sealed payload belongs to, in clear and authenticated: it opens only with the very same. Give it what must not be
 * changed or exchanged, such as the id and the type; and for each use of seals other names, so that what was sealed for one
 * opens for no other.
 */
export type SealedFor = Readonly<Record<string, string | number | boolean>>;

/** AES key wrap: each payload has a key of its own, so a key of the ring may seal any number of them. */
const ALG = 'A256KW';
const ENC = 'A256GCM';
/** The private header parameter with what the payload is bound to. */
const BOUND = 'agentmq';

/**
 * How what is sensitive is treated: `on` seals it and takes nothing in clear; `accept-clear` seals it and takes both;
 * `off` sends it in clear, and takes both.
 */
export type SealingMode = 'on' | 'accept-clear' | 'off';

/** Encrypts and decrypts payloads. docs/WIRE.md has the form, docs/SEALING.md how it is used. */
export class Sealer {
  constructor(
    private readonly keys: SealingKeys,
    readonly mode: SealingMode = 'on',
  ) {}

  /** Whether what is sensitive is sealed. */
  get seals(): boolean {
    return this.mode !== 'off';
  }

  /** Whether what is sensitive and came in clear is refused. */
  get refusesClear(): boolean {
    return this.mode === 'on';
  }

  /** Rejects with `NoSealingKeysError`, or as the keys do. */
  async ready(): Promise<void> {
    await this.keys.newest();
  }

  /** A compact JWE, which is ASCII. Rejects with `NoSealingKeysError`, `InvalidMessageError` for a key's id that is too long, or as the keys do. */
  async seal(plain: Uint8Array, bound: SealedFor): Promise<Buffer> {
    const { kid, key } = await this.keys.newest();
    if (kid.length > LONGEST_KID) throw new InvalidMessageError('kid', `is longer than ${LONGEST_KID} characters`);
    const header = { alg: ALG, enc: ENC, kid, [BOUND]: bound };
    return Buffer.from(await new CompactEncrypt(plain).setProtectedHeader(header).encrypt(key), 'latin1');
  }

  /** Rejects with `SealedTamperedError`, `SealedUnknownKeyError`, or as the keys do. */
  async open(sealed: Uint8Array, bound: SealedFor): Promise<Buffer> {
    const text = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).toString('latin1');
    if (!isCanonical(text)) throw new SealedTamperedError('it is no compact JWE');
    let kid: string | undefined;
    try {
      const { plaintext, protectedHeader } = await compactDecrypt(
        text,
        async (header) => {
          kid = keyId(header.kid);
          const found = kid === header.kid ? await this.keys.find(kid) : undefined;
          if (!found) throw new SealedUnknownKeyError(kid);
          return found.key;
        },
        { keyManagementAlgorithms: [ALG], contentEncryptionAlgorithms: [ENC], maxDecompressedLength: 0 },
      );
      compare(protectedHeader[BOUND], bound);
      return Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength);
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      const problem =
        kid === undefined
          ? 'it is no JWE of A256KW and A256GCM'
          : `it does not open with the key "${kid}": changed, or sealed with another key of that id`;
      throw new SealedTamperedError(problem, { cause: error });
    }
  }
}

/** Whatever the header has: it is no longer than an id may be. */
const keyId = (kid: unknown): string => (typeof kid === 'string' ? kid.slice(0, LONGEST_KID) : '');

/** Decoders pass over some letters of base64url: of what was sealed, not one is to be another. */
const isCanonical = (text: string): boolean =>
  text.split('.', 6).every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);

function compare(sealed: unknown, bound: SealedFor): void {
  const was = (typeof sealed === 'object' && sealed !== null ? sealed : {}) as SealedFor;
  const names = [...new Set([...Object.keys(was), ...Object.keys(bound)])];
  const changed = names.filter((name) => was[name] !== bound[name]);
  if (changed.length > 0) {
    throw new SealedTamperedError(`what it was sealed for differs: ${changed.join(', ').slice(0, 200)}`);
  }
}
