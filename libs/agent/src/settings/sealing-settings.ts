import { readKeys, type RingKey, type SealingMode } from 'agentmq/messaging';
import { readSmallFile } from './bounded-file.js';
import type { Environment } from './environment.js';

/** How payloads of sensitive contracts are sealed, and with which keys, the newest first. */
export interface SealingSettings {
  readonly mode: SealingMode;
  readonly keys: readonly RingKey[];
  /** Where the keys were read from, if it was a file. */
  readonly file?: string;
}

/** No problem quotes what was given: it may be a key. */
export function readSealing(env: Environment): { readonly sealing: SealingSettings; readonly problems: string[] } {
  const { SEALING: mode, SEALING_KEYS: text, SEALING_KEYS_FILE: file } = env;
  if (text !== '' && file !== '') {
    return { sealing: { mode, keys: [] }, problems: ['SEALING_KEYS_FILE: and SEALING_KEYS can not both be given'] };
  }
  if (file === '') {
    const { keys, problems } = readKeys(text);
    return { sealing: { mode, keys }, problems: problems.map((problem) => `SEALING_KEYS: ${problem}`) };
  }
  const read = readSmallFile(file);
  if ('problem' in read) {
    return { sealing: { mode, keys: [] }, problems: [`SEALING_KEYS_FILE: ${file} ${read.problem}`] };
  }
  const { keys, problems } = readKeys(read.text);
  if (keys.length === 0 && problems.length === 0) problems.push(`${file} has no keys`);
  return { sealing: { mode, keys, file }, problems: problems.map((problem) => `SEALING_KEYS_FILE: ${problem}`) };
}
