import { execFileSync, spawn } from 'node:child_process';
import { appendFile, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CsvFile } from './csv-file.js';
import { CsvInputError } from './errors.js';
import { splitRecords } from './split-records.js';
import { spool } from './spool.js';
import type { CsvChunk } from './splitter.js';

async function all(chunks: AsyncIterable<CsvChunk>): Promise<CsvChunk[]> {
  const found: CsvChunk[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return found;
}

const table = `id,text\n${Array.from({ length: 60_000 }, (_, i) => `${i},"row ${i}"\n`).join('')}`;

describe('CsvFile', () => {
  let folder: string;
  const files: CsvFile[] = [];
  const open = async (path: string): Promise<CsvFile> => {
    const file = await CsvFile.open(path);
    files.push(file);
    return file;
  };
  const written = async (name: string, text = table): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentmq-csv-'));
  });
  afterEach(async () => {
    for (const file of files.splice(0)) await file.close();
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('splits a file, as often as it is asked to', async () => {
    const file = await open(await written('good.csv'));
    const chunks = await all(file.chunks());
    expect(chunks.map(({ text }) => text).join('')).toBe(table.slice('id,text\n'.length));
    expect(chunks.length).toBeGreaterThan(2);
    expect(await all(file.chunks())).toEqual(chunks);
    expect(file.size).toBe(Buffer.byteLength(table));
  });

  it('reads a pipe once, and splits what came from it as often as it is asked to', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const opening = open(pipe);
    spawn('sh', ['-c', `cat '${await written('piped.csv')}' > '${pipe}'`]);
    const file = await opening;
    const chunks = await all(file.chunks());
    expect(chunks.map(({ text }) => text).join('')).toBe(table.slice('id,text\n'.length));
    expect(await all(file.chunks())).toEqual(chunks);
    expect(await readdir(tmpdir())).not.toContainEqual(expect.stringMatching(/^agentmq-input-/));
  });

  it('reads on in a file that is replaced or deleted meanwhile', async () => {
    const path = await written('replaced.csv');
    const file = await open(path);
    const before = await all(file.chunks());
    await rename(await written('other.csv', 'a\n1\n'), path);
    expect(await all(file.chunks())).toEqual(before);
    await rm(path);
    expect(await all(file.chunks())).toEqual(before);
  });

  it('names a file that is changed meanwhile', async () => {
    const path = await written('growing.csv');
    const file = await open(path);
    const chunks = file.chunks();
    await chunks.next();
    await appendFile(path, '60000,"one more"\n');
    await expect(all(chunks)).rejects.toThrow(`${path}: was changed while it was read`);
    await expect(all(file.chunks())).rejects.toThrow(`${path}: was changed while it was read`);
  });

  it('names a file that is not there, a folder, and what is no text', async () => {
    const path = join(folder, 'none.csv');
    await expect(open(path)).rejects.toThrow(`${path}: no such file`);
    await expect(open(path)).rejects.toBeInstanceOf(CsvInputError);
    await expect(open(folder)).rejects.toThrow(`${folder}: is a directory`);
    await expect(open('/dev/zero')).rejects.toThrow('/dev/zero:1: has a NUL byte: this is no CSV text');
    await expect(open('/dev/null')).rejects.toThrow('/dev/null: is empty');
  });
});

describe('spool', () => {
  it('names what is too long', async () => {
    const pieces = [Buffer.alloc(6, 'a'), Buffer.alloc(6, 'a')];
    await expect(spool(streamOf(pieces), () => undefined, 10)).rejects.toThrow(
      'is longer than 10 bytes: save it in a file',
    );
  });
});

async function* streamOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* await Promise.resolve(pieces);
}

describe('splitRecords', () => {
  it('calls the input what it is told to', async () => {
    await expect(all(splitRecords([], { file: 'upload' }))).rejects.toThrow('upload: is empty');
  });
});
