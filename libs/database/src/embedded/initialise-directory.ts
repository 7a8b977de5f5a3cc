import { execFile } from 'node:child_process';
import { rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const script = `
const [pglite, files, directory, ...startParams] = process.argv.slice(1);
const { PGlite } = await import(pglite);
const loadDataDir = files === '' ? undefined : await (await import(files)).dataDir();
const database = await PGlite.create({ dataDir: directory, loadDataDir, startParams });
await database.close();
`;

/**
 * Creates the embedded database's files if they are not there: unpacked from a package of PGlite's if it is installed,
 * since initdb takes three times as long and 700 MB of memory. In a process of its own, for what a process has touched it doesn't give
 * back; and in a directory beside, so that one interrupted leaves nothing half made.
 */
export async function initialiseDirectory(directory: string, startParams: readonly string[]): Promise<void> {
  if (await exists(`${directory}/PG_VERSION`)) return;
  const made = `${directory}.new`;
  await rm(made, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
  const pglite = installed('@electric-sql/pglite');
  const files = installed('@electric-sql/pglite-prepopulatedfs');
  const given = [pglite, files, made, ...startParams];
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

/** The URL of a package's file, empty when the package is not installed. */
function installed(name: string): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve(name)).href;
  } catch {
    return '';
  }
}
