import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

export interface PageFile {
  readonly type: string;
  readonly contents: Buffer;
  /** Absent for what is packed already. */
  readonly gzipped?: Buffer;
}

const PLACE = join('libs', 'console', 'page');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** The files of the built page, by name, read once: `index.html` and its assets. Undefined where the page has not been built. */
export function pageFiles(): ReadonlyMap<string, PageFile> | undefined {
  const folder = pageFolder();
  if (folder === undefined) return undefined;
  const assets = readdirSync(join(folder, 'assets'));
  return new Map(
    ['index.html', ...assets].map((name) => [
      name,
      read(name === 'index.html' ? folder : join(folder, 'assets'), name),
    ]),
  );
}

function read(folder: string, name: string): PageFile {
  const contents = readFileSync(join(folder, name));
  const extension = extname(name);
  const type = TYPES[extension] ?? 'application/octet-stream';
  return { type, contents, ...(extension === '.woff2' ? {} : { gzipped: gzipSync(contents) }) };
}

/** Sources, their build, bundled programs and the installed package have this file at different depths beside the page. */
function pageFolder(): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let above = dirname(folder); above !== folder; folder = above, above = dirname(folder)) {
    const found = [folder, join(folder, 'dist')].map((base) => join(base, PLACE)).find(isBuilt);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isBuilt = (folder: string): boolean =>
  existsSync(join(folder, 'index.html')) && existsSync(join(folder, 'assets'));
