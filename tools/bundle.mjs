/**
 * The last step of the build: a program for each app, `dist/apps/<app>/src/main.js` with all that it imports as
 * `dist/programs/<app>.js`. Node loads 18 files for a worker in place of 2,090, in less than half the CPU time. Apps are
 * found by themselves; what they share is in `chunks`, once. So are the processes that tests start, in `dist/programs/test`.
 * And the page that the monitor serves.
 */
import 'reflect-metadata';
import { chmodSync, copyFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildPage } from './page.mjs';

const filesIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.js'))
        .map(({ name }) => `${folder}/${name}`)
    : [];
const programs = (files) => Object.fromEntries(files.map((file) => [basename(file, '.js'), file]));

const apps = readdirSync('dist/apps')
  .map((app) => [app, `dist/apps/${app}/src/main.js`])
  .filter(([, file]) => existsSync(file));
const tests = ['dist/test/e2e/apps', 'dist/test/faults/processes'].flatMap(filesIn);

/**
 * Packages that are not installed, for which others have optional parts: they are left to Node, which asks for them never.
 * And packages that are imported when they are needed: esbuild alone would give those in CommonJS a default export only.
 */
const packages = {
  name: 'packages',
  setup({ onResolve, onLoad, resolve: find }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (pluginData === packages) return undefined;
      const found = await find(path, { kind, importer, resolveDir, pluginData: packages });
      const ofPackage = importer.includes('/node_modules/');
      if (found.errors.length > 0) return ofPackage ? { path, external: true } : undefined;
      const deferred = kind === 'dynamic-import' && !found.external && found.path.includes('/node_modules/');
      return deferred ? { path: found.path, namespace: 'deferred', pluginData: path } : found;
    });
    onLoad({ filter: /./, namespace: 'deferred' }, async ({ path, pluginData: name }) => {
      // some packages have files for bundlers, which Node can't load: their names are those of the files for Node
      const loaded = await import(pathToFileURL(path).href).catch(async () => {
        const { default: _, __esModule, 'module.exports': __, ...named } = await import(name);
        return named;
      });
      const names = Object.keys(loaded).filter((each) => /^[\w$]+$/.test(each));
      return { contents: `export { ${names.join(', ')} } from ${JSON.stringify(path)};`, resolveDir: dirname(path) };
    });
  },
};

/** Lines of packages are mapped to their file only: to read all their lines at each start costs 0.2 s and 60 MB. */
const shortSourceMaps = {
  name: 'short-source-maps',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/, namespace: 'file' }, async ({ path }) => {
      const map = JSON.stringify({ version: 3, sources: [basename(path)], mappings: 'AAAA' });
      const url = `data:application/json;base64,${Buffer.from(map).toString('base64')}`;
      return { contents: `${await readFile(path, 'utf8')}\n//# sourceMappingURL=${url}\n` };
    });
  },
};

/** A program is a few lines that load its bundle, so that what is thrown in there is told by the lines of the sources. */
const programOf = (name) => `#!/usr/bin/env node
import './bundles/source-lines.js';
await import('./bundles/${name}.js');
`;

async function bundle(entryPoints, folder) {
  const outdir = `${folder}/bundles`;
  const { metafile } = await build({
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Nest and TypeORM go by the names of classes
    keepNames: true,
    // packages that load files of their own, and one that has to come before everything that is decorated
    external: ['@electric-sql/*', 'wink-nlp', 'wink-eng-lite-web-model', 'reflect-metadata'],
    banner: {
      js: "import 'reflect-metadata';import{createRequire as $createRequire}from'node:module';const require=$createRequire(import.meta.url);",
    },
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    plugins: [packages, shortSourceMaps],
    logLevel: 'error',
  });
  const written = new Set(Object.keys(metafile.outputs).map((file) => resolve(file)));
  copyFileSync('tools/source-lines.mjs', `${outdir}/source-lines.js`);
  written.add(resolve(outdir, 'source-lines.js'));
  for (const name of Object.keys(entryPoints)) {
    const program = resolve(folder, `${name}.js`);
    writeFileSync(program, programOf(name));
    // `npx agentmq` runs the file itself, which npm makes executable only when it installs what is built already.
    chmodSync(program, 0o755);
    written.add(program);
  }
  for (const place of [folder, outdir, `${outdir}/chunks`])
    for (const { name } of readdirSync(place, { withFileTypes: true }).filter((entry) => entry.isFile()))
      if (!written.has(resolve(place, name))) rmSync(resolve(place, name));
}

await buildPage();
await bundle(Object.fromEntries(apps), 'dist/programs');
if (tests.length > 0) await bundle(programs(tests), 'dist/programs/test');
