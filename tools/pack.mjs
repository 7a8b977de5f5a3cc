/**
 * Makes what an app installs from the build: the folder `dist/package` and, by `npm pack`, `dist/agentmq-<version>.tgz`. It has
 * the libraries, the migrations and the command line's part for apps and operators. Its package.json is the project's own,
 * with the dependencies that the packed files really import.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import typescript from 'typescript';

const OUT = 'dist/package';
/** What the stock apps send each other. */
const NOT_PACKED = ['contracts'];
/** Run by the Nest CLI as they stand. */
const SCHEMATICS = 'libs/schematics';
/** An app has one copy of them, which it shares with AgentMQ: their classes and decorators have to be the same. */
const PEERS = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/microservices',
  '@nestjs/terminus',
  'class-transformer',
  'class-validator',
  'pg',
  'reflect-metadata',
  'rxjs',
  'typeorm',
];
/** Loaded where they are first used: an app installs them when it uses what they are for. */
const OPTIONAL = [
  '@electric-sql/pglite',
  '@electric-sql/pglite-prepopulatedfs',
  '@nestjs/platform-express',
  '@nestjs/testing',
  '@opentelemetry/api',
  '@opentelemetry/exporter-trace-otlp-proto',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace-node',
  '@redis/client',
  '@sinonjs/fake-timers',
  'express-rate-limit',
  'helmet',
];

const project = JSON.parse(readFileSync('package.json', 'utf8'));
const rooms = readdirSync('libs', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && ![...NOT_PACKED, basename(SCHEMATICS)].includes(entry.name))
  .map(({ name }) => name);

const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** Copies what TypeScript made of the sources that there are; source maps are of no use without the sources. */
function copyBuilt() {
  const sources = [
    'libs/index.ts',
    ...['migrations', ...rooms.map((room) => `libs/${room}/src`)].flatMap(filesIn),
  ].filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.endsWith('.d.ts'));
  for (const source of sources) {
    for (const extension of ['.js', '.d.ts']) {
      const file = source.replace(/\.ts$/, extension);
      mkdirSync(dirname(`${OUT}/${file}`), { recursive: true });
      const text = readFileSync(`dist/${file}`, 'utf8');
      writeFileSync(`${OUT}/${file}`, text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'));
    }
  }
}

/** The command line uses a few functions of the monitor's: they are bundled, and modules that it uses nothing of are left out. */
async function bundleCommandLine() {
  const ofOtherApps = {
    name: 'of-other-apps',
    setup({ onResolve, resolve: find }) {
      onResolve({ filter: /^agentmq\/(apps\/|contracts$)/ }, ({ path }) => {
        const [, folder] = /^agentmq\/(.*)$/.exec(path);
        const file = folder.startsWith('apps/') ? folder : `libs/${folder}`;
        return { path: resolve(`dist/${file}/src/index.js`), sideEffects: false };
      });
      onResolve({ filter: /^\./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (pluginData === ofOtherApps) return undefined;
        const found = await find(path, { kind, importer, resolveDir, pluginData: ofOtherApps });
        return importer.includes('/apps/monitor/') ? { ...found, sideEffects: false } : found;
      });
    },
  };
  await build({
    entryPoints: { agentmq: 'dist/apps/cli/src/installed.js' },
    outdir: `${OUT}/cli`,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    keepNames: true,
    packages: 'external',
    plugins: [ofOtherApps],
    logLevel: 'error',
  });
}

/** The project's exports that are packed, without the condition for its sources. */
function exportsOfPackage() {
  const packed = (target) => target.replace('./dist/', './');
  const entries = Object.entries(project.exports).filter(
    ([name, target]) => typeof target !== 'string' && !/^\.\/(apps|examples)/.test(name),
  );
  const targets = entries.flatMap(([name, { types, default: file }]) =>
    (name === './*' ? rooms : ['']).map((room) => [
      name.replace('*', room),
      { types: packed(types).replace('*', room), default: packed(file).replace('*', room) },
    ]),
  );
  return { ...Object.fromEntries(targets), './package.json': './package.json' };
}

/** The packages that the packed files import, and those that have the types of what declarations import. */
function imported() {
  const names = new Set();
  for (const file of filesIn(OUT).filter((each) => /\.[jt]s$/.test(each))) {
    const text = readFileSync(file, 'utf8');
    const byRequire = [...text.matchAll(/createRequire\([^)]*\)\('([^'.][^']*)'\)/g)].map(([, specifier]) => specifier);
    const byImport = typescript.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
    for (const specifier of [...byImport, ...byRequire].filter((each) => !each.startsWith('.'))) {
      const [name] = /^(?:@[^/]+\/)?[^/]+/.exec(specifier);
      if (name === project.name || name.startsWith('node:') || builtinModules.includes(name)) continue;
      names.add(name);
      if (file.endsWith('.d.ts') && project.devDependencies[`@types/${name}`]) names.add(`@types/${name}`);
    }
  }
  return [...names].sort();
}

function writePackage() {
  const { name, version, description, license, repository, type, engines } = project;
  const { dependencies, devDependencies } = project;
  const rangeOf = (each) =>
    dependencies[each] ?? (OPTIONAL.includes(each) || each.startsWith('@types/') ? devDependencies[each] : undefined);
  const rangesOf = (names) =>
    Object.fromEntries(
      names.map((each) => {
        const range = rangeOf(each);
        if (!range) throw new Error(`${each} is imported by what is packed, and is no dependency of the project`);
        return [each, range];
      }),
    );
  const all = imported();
  const peers = all.filter((each) => PEERS.includes(each) || OPTIONAL.includes(each));
  const described = {
    ...{ name, version, description, license, repository, type, engines },
    exports: exportsOfPackage(),
    bin: { agentmq: 'cli/agentmq.js' },
    schematics: project.schematics,
    dependencies: rangesOf(all.filter((each) => !peers.includes(each))),
    // A version that is pinned here need not be the app's.
    peerDependencies: Object.fromEntries(
      Object.entries(rangesOf(peers)).map(([each, range]) => [each, range.replace(/^\d/, '^$&')]),
    ),
    peerDependenciesMeta: Object.fromEntries(
      OPTIONAL.filter((each) => peers.includes(each)).map((each) => [each, { optional: true }]),
    ),
  };
  writeFileSync(`${OUT}/package.json`, `${JSON.stringify(described, undefined, 2)}\n`);
}

rmSync(OUT, { recursive: true, force: true });
copyBuilt();
await bundleCommandLine();
cpSync('dist/libs/console/page', `${OUT}/libs/console/page`, { recursive: true });
cpSync(SCHEMATICS, `${OUT}/${SCHEMATICS}`, { recursive: true, filter: (file) => !file.endsWith('.spec.ts') });
for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE']) cpSync(file, `${OUT}/${file}`);
writePackage();
execFileSync('npm', ['pack', resolve(OUT), '--pack-destination', 'dist', '--loglevel=warn'], { stdio: 'inherit' });
