import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CsvInputError } from './errors.js';
import { openCsv, splitRecords } from './open.js';
import type { CsvChunk } from './splitter.js';

async function all(chunks: AsyncIterable<CsvChunk>): Promise<CsvChunk[]> {
  const found: CsvChunk[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return found;
}

describe('openCsv', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentmq-csv-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('splits a file, as often as it is asked to', async () => {
    const path = join(folder, 'good.csv');
    await writeFile(path, `id,text\n${Array.from({ length: 60_000 }, (_, i) => `${i},"row ${i}"\n`).join('')}`);
    const chunks = await all(openCsv(path));
    expect(chunks.length).toBeGreaterThan(2);
    expect(await all(openCsv(path))).toEqual(chunks);
  });

  it('names a file that is not there, and a folder', async () => {
    const path = join(folder, 'none.csv');
    await expect(all(openCsv(path))).rejects.toThrow(`${path}: no such file`);
    await expect(all(openCsv(path))).rejects.toBeInstanceOf(CsvInputError);
    await expect(all(openCsv(folder))).rejects.toThrow(`${folder}: is a directory`);
  });

  it('calls the input what it is told to', async () => {
    await expect(all(openCsv(folder, { file: 'upload' }))).rejects.toThrow('upload: is a directory');
    await expect(all(splitRecords([], { file: 'upload' }))).rejects.toThrow('upload: is empty');
  });
});
