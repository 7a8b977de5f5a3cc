/**
 * Builds the page of libs/console: `dist/libs/console/page` has `index.html`, and `assets` with the hash of its contents in each
 * file's name. Run by itself, it does so once.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../', import.meta.url);
const SOURCE = fileURLToPath(new URL('libs/console/page', root));
const OUT = fileURLToPath(new URL('dist/libs/console/page', root));

export async function buildPage() {
  const { outputFiles, metafile } = await build({
    entryPoints: { page: `${SOURCE}/src/main.tsx`, icon: `${SOURCE}/icon.svg`, sans: `${SOURCE}/fonts/sans.woff2` },
    tsconfig: `${SOURCE}/tsconfig.json`,
    outdir: `${OUT}/assets`,
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.woff2': 'copy', '.svg': 'copy' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2023',
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(`${OUT}/assets`, { recursive: true });
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  const files = Object.keys(metafile.outputs).map((file) => basename(file));
  const named = (start, extension) => files.find((file) => file.startsWith(start) && extname(file) === extension);
  const parts = {
    icon: named('icon-', '.svg'),
    font: named('sans-', '.woff2'),
    style: named('page-', '.css'),
    script: named('page-', '.js'),
  };
  // the fonts' licence asks to go where they go
  copyFileSync(`${SOURCE}/fonts/LICENSE`, `${OUT}/LICENSE-fonts`);
  const index = readFileSync(`${SOURCE}/index.html`, 'utf8');
  writeFileSync(
    `${OUT}/index.html`,
    index.replace(/\{\{(\w+)\}\}/g, (_, part) => parts[part]),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
