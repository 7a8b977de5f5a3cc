import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { IndexMigration, migrations } from 'agentmq/migrations';
import { Database, MemoryDatabase } from 'agentmq/database';
import { optionalPackage } from 'agentmq/protocol';

type Dump = Awaited<ReturnType<MemoryDatabase['dump']>>;

/**
 * A database in memory with the schema of this namespace. The first one is kept as a file, so that the next one is there in
 * half a second: in `node_modules/.cache` of the working directory, where tools keep such files. Where that can't be written,
 * each is made anew.
 */
export async function migratedDatabase(namespace: string): Promise<MemoryDatabase> {
  const file = await fileFor(namespace);
  const kept = await readFile(file).catch(() => undefined);
  if (kept) return MemoryDatabase.open({ dump: new Uint8Array(kept) });
  const database = await MemoryDatabase.open();
  await Database.over(database.connections(), namespace).migrate();
  await keep(file, await database.dump()).catch(() => undefined);
  return database;
}

/** Another version of PGlite, or other migrations, make another file. */
async function fileFor(namespace: string): Promise<string> {
  // what migrations inherit is not in their own text
  const steps = [IndexMigration, ...migrations].map(String);
  const version = await optionalPackage('@electric-sql/pglite', 'agentmq/testing', pgliteVersion);
  const key = createHash('sha256').update(JSON.stringify([namespace, version, steps]));
  return join('node_modules', '.cache', 'agentmq', `database-${key.digest('hex').slice(0, 16)}.tar`);
}

async function pgliteVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    const { version } = JSON.parse(text ?? '{}') as { readonly version?: string };
    if (version) return version;
  }
  return '';
}

/** By another name first: test runners start many processes at once. */
async function keep(file: string, dump: Dump): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const made = `${file}.${randomUUID()}`;
  await writeFile(made, dump);
  await rename(made, file);
}
