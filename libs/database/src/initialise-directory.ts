import { execFile } from 'node:child_process';
import { rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const script = `
const [pglite, files, directory, ...startParams] = process.argv.slice(1);
const { PGlite } = await import(pglite);
const { dataDir } = await import(files);
const database = await PGlite.create({ dataDir: directory, loadDataDir: await dataDir(), startParams });
await database.close();
`;

/**
 * Creates the embedded database's files if they are not there: unpacked as PGlite ships them, since its own initdb takes
 * three times as long and 700 MB of memory. In a process of its own, for what a process has touched it doesn't give
 * back; and in a directory beside, so that one interrupted leaves nothing half made.
 */
export async function initialiseDirectory(directory: string, startParams: readonly string[]): Promise<void> {
  if (await exists(`${directory}/PG_VERSION`)) return;
  const made = `${directory}.new`;
  await rm(made, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
  const { resolve } = createRequire(import.meta.url);
  const [pglite, files] = ['@electric-sql/pglite', '@electric-sql/pglite-prepopulatedfs'].map(
    (name) => pathToFileURL(resolve(name)).href,
  );
  const given = [`${pglite}`, `${files}`, made, ...startParams];
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script, '--', ...given], {
    env: { PATH: '' },
  });
  await rename(made, directory);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
