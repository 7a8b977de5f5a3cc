import { timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { errorText } from 'agentmq/protocol';
import { RepeatedLog } from 'agentmq/telemetry';
import { hashOf, readTokens, type StaticToken } from './read-tokens.js';

export interface StaticTokensOptions {
  readonly tokens: readonly StaticToken[];
  /** Where they were read from: it is read again when it has changed. Empty if they were given themselves. */
  readonly tokensFile: string;
}

/** From one look at the file to the next, in ms. */
const LOOK_MS = 1_000;

/** The tokens of the settings. A file that can't be read, or breaks a rule, leaves the tokens that were read before. */
export class StaticTokens {
  private readonly log = new RepeatedLog(new Logger('HTTP'));
  private tokens: readonly StaticToken[];
  private nextLook = performance.now() + LOOK_MS;
  private looking: Promise<void> | undefined;
  private seen = '';

  constructor(private readonly options: StaticTokensOptions) {
    this.tokens = options.tokens;
  }

  /** Resolves with what is known of a token; undefined where it is none of these. */
  find(token: string): Promise<StaticToken | undefined> {
    return this.withHash(hashOf(token));
  }

  /** The same by its hash. Compared with each, in a time that tells nothing of how much was equal. */
  async withHash(hash: Buffer): Promise<StaticToken | undefined> {
    if (performance.now() >= this.nextLook) await this.look();
    const found = this.tokens.filter((known) => timingSafeEqual(known.hash, hash));
    return found[0];
  }

  private look(): Promise<void> {
    this.nextLook = performance.now() + LOOK_MS;
    this.looking ??= this.readAgain().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async readAgain(): Promise<void> {
    const { tokensFile } = this.options;
    if (tokensFile === '') return;
    try {
      // A mounted secret is replaced as a whole: another inode.
      const { ino, mtimeMs, size } = await stat(tokensFile);
      const seen = `${ino} ${mtimeMs} ${size}`;
      if (seen === this.seen) return;
      const { tokens, problems } = readTokens(await readFile(tokensFile, 'utf8'));
      if (problems.length > 0) throw new Error(problems.join('; '));
      if (tokens.length === 0) throw new Error('it has no tokens');
      this.tokens = tokens;
      this.seen = seen;
    } catch (error) {
      const message = `${tokensFile}: ${errorText(error)}`;
      this.log.warn('the tokens of before stay', { code: 'HTTP_TOKENS_FILE', message });
    }
  }
}
