import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { KeyRing } from './key-ring.js';
import { readKeys } from './read-keys.js';

const line = (kid: string) => `${kid}:${randomBytes(32).toString('base64')}`;

describe('keys', () => {
  it('are read in their order, from lines and lists, with comments', () => {
    const { keys, problems } = readKeys(`# newest first\n${line('c')}\n\n${line('b')}, ${line('a')}\n`);
    expect(problems).toEqual([]);
    expect(keys.map(({ kid }) => kid)).toEqual(['c', 'b', 'a']);
  });

  it('are told what is wrong with each, and never shown', () => {
    const secret = randomBytes(32).toString('base64');
    const given = [secret, `k:${secret.slice(4)}`, `a b:${secret}`, `k:${secret}`, `k:${secret}`, `:${secret}`];
    const { keys, problems } = readKeys(given.join(','));
    expect(problems.map((problem) => problem.slice(0, 6))).toEqual(['key 1:', 'key 2:', 'key 3:', 'key 5:', 'key 6:']);
    expect(problems.join() + inspect(keys, { depth: 9 }) + JSON.stringify(keys)).not.toContain(secret.slice(4, 20));
  });
});

describe('KeyRing of a file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentmq-keys-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('has a new key as soon as something was sealed with it, and keeps its keys when the file is broken', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const file = join(folder, 'keys');
    const old = line('old');
    await writeFile(file, old);
    const ring = new KeyRing({ keys: readKeys(old).keys, file });
    expect((await ring.newest()).kid).toBe('old');

    await writeFile(file, `${old}\n${line('new')}\n`);
    expect((await ring.find('new'))?.kid).toBe('new');
    expect((await ring.newest()).kid).toBe('old');

    await writeFile(file, 'broken');
    await expect(ring.find('newer')).resolves.toBeUndefined();
    expect((await ring.find('new'))?.kid).toBe('new');
    expect(warn.mock.calls.join()).toContain('the keys of before stay');
    warn.mockRestore();
  });

  it('looks at no file when its keys were given themselves', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const ring = new KeyRing({ keys: readKeys(line('given')).keys, file: '' });
    await expect(ring.find('another')).resolves.toBeUndefined();
    expect((await ring.newest()).kid).toBe('given');
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});
