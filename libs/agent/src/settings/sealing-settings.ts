import { readKeys, type RingKey, type SealingMode } from 'agentmq/messaging';
import { oneOf, readSmallFile, Setting, shownPath, text } from 'agentmq/settings';

/** How payloads of sensitive contracts are sealed, and with which keys. */
export class SealingSettings {
  @Setting(
    oneOf<SealingMode>(['on', 'accept-clear', 'off']),
    'SEALING',
    '`on` seals what is sensitive and takes nothing in clear; `accept-clear` seals it and takes both; `off` sends it in clear and takes both',
    { place: 'sealing.mode' },
  )
  mode: SealingMode = 'on';

  @Setting(
    text(),
    'SEALING_KEYS',
    'the keys, `kid:base64` of 32 bytes each, separated by commas, the newest first: docs/SEALING.md',
    { option: 'keys' },
  )
  private givenKeys = '';

  /** Where the keys were read from; empty if they were given themselves. */
  @Setting(text(), 'SEALING_KEYS_FILE', 'a file with the same, one a line; read again when it has changed', {
    option: 'keysFile',
  })
  file = '';

  /** The newest first. */
  keys: readonly RingKey[] = [];

  /** Reads the keys that are given. No problem quotes what was given: it may be a key. */
  readKeys(): readonly string[] {
    const { givenKeys, file } = this;
    if (givenKeys !== '' && file !== '') return ['SEALING_KEYS_FILE: and SEALING_KEYS can not both be given'];
    const source = file === '' ? 'SEALING_KEYS' : 'SEALING_KEYS_FILE';
    const found = file === '' ? { text: givenKeys } : readSmallFile(file);
    if ('problem' in found) return [`${source}: ${shownPath(file)} ${found.problem}`];
    const { keys, problems } = readKeys(found.text);
    this.keys = keys;
    if (file !== '' && keys.length === 0 && problems.length === 0) return [`${source}: ${file} has no keys`];
    return problems.map((problem) => `${source}: ${problem}`);
  }
}
