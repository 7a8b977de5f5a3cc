import { type KeyObject, webcrypto } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { errorText } from 'agentmq/protocol';
import { RepeatedLog } from 'agentmq/telemetry';
import { NoSealingKeysError } from './errors.js';
import { readKeys, type RingKey } from './read-keys.js';
import { type SealingKey, SealingKeys } from './sealing-keys.js';

export interface KeyRingOptions {
  /** The newest first. */
  readonly keys: readonly RingKey[];
  /** Where they were read from: it is read again when it has changed. Empty if they were given themselves. */
  readonly file?: string;
}

/** From one look at the file to the next, in ms; for a key that is not known it is looked at at once. */
const LOOK_MS = 1_000;

/** The keys of the settings. A file that can't be read, or breaks a rule, leaves the keys that were read before. */
export class KeyRing extends SealingKeys {
  private readonly log = new RepeatedLog(new Logger('Sealing'));
  private keys: ReadonlyMap<string, Promise<SealingKey>>;
  private nextLook = performance.now() + LOOK_MS;
  private looking: Promise<void> | undefined;
  private seen = '';

  constructor(private readonly options: KeyRingOptions) {
    super();
    this.keys = imported(options.keys);
  }

  override async newest(): Promise<SealingKey> {
    if (performance.now() >= this.nextLook) await this.look();
    const [newest] = this.keys.values();
    if (!newest) throw new NoSealingKeysError();
    return newest;
  }

  override async find(kid: string): Promise<SealingKey | undefined> {
    if (!this.keys.has(kid)) await this.look();
    return this.keys.get(kid);
  }

  private look(): Promise<void> {
    this.nextLook = performance.now() + LOOK_MS;
    this.looking ??= this.readAgain().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async readAgain(): Promise<void> {
    const { file } = this.options;
    if (!file) return;
    try {
      // A mounted secret is replaced as a whole: another inode.
      const { ino, mtimeMs, size } = await stat(file);
      const seen = `${ino} ${mtimeMs} ${size}`;
      if (seen === this.seen) return;
      const { keys, problems } = readKeys(await readFile(file, 'utf8'));
      if (problems.length > 0) throw new Error(problems.join('; '));
      if (keys.length === 0) throw new Error('it has no keys');
      this.keys = imported(keys);
      this.seen = seen;
    } catch (error) {
      this.log.warn('the keys of before stay', { code: 'SEALING_KEYS_FILE', message: `${file}: ${errorText(error)}` });
    }
  }
}

/** By their ids, in the order given. Web Crypto's own keys can't be read out again, and are quicker to use. */
function imported(keys: readonly RingKey[]): ReadonlyMap<string, Promise<SealingKey>> {
  return new Map(keys.map(({ kid, secret }) => [kid, importKey(kid, secret)]));
}

async function importKey(kid: string, secret: KeyObject): Promise<SealingKey> {
  const key = await webcrypto.subtle.importKey('raw', secret.export(), 'AES-KW', false, ['wrapKey', 'unwrapKey']);
  return { kid, key };
}
