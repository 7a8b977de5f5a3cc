/** Runs `start.mjs` with the arguments given, and runs it anew whenever a source has changed. */
import { spawn } from 'node:child_process';
import { readdirSync, watch } from 'node:fs';
import { join } from 'node:path';

const SOURCES = ['apps', 'libs', 'migrations'];
const NODE_OPTIONS = [
  '--enable-source-maps',
  '--conditions=source',
  '--disable-warning=ExperimentalWarning',
  '--import=./tools/dev/typescript.mjs',
];
/** An editor writes a file in several steps, and a change of branches writes many. */
const SETTLED_MS = 100;
const STOPPED_WITHIN_MS = 10_000;

let running;
let settled;
let watchers = [];
let ending = false;

/** Folders, as an editor may put a new file in the place of the old one: a watcher of the file would not hear of the next change. */
function watchSources() {
  for (const watcher of watchers) watcher.close();
  const below = (folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name));
  const folders = SOURCES.flatMap((folder) => [folder, ...below(folder)]);
  const onChange = (_, file) => /(?<!\.spec)\.(tsx?|css|json)$/.test(file ?? '') && restartSoon();
  // a new app has new folders too
  const onProjects = (_, file) => file === 'nest-cli.json' && restartSoon();
  watchers = [watch('.', onProjects), ...folders.map((folder) => watch(folder, onChange))];
}

function restartSoon() {
  clearTimeout(settled);
  settled = setTimeout(restart, SETTLED_MS);
}

function start() {
  watchSources();
  const child = spawn(process.execPath, [...NODE_OPTIONS, 'tools/dev/start.mjs', ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  running = child;
  child.once('exit', (code) => {
    if (running === child) running = undefined;
    if (ending || code === USAGE) process.exit(code ?? 0);
    if (child.restarts) start();
    else process.stdout.write('stopped: starts anew when a source has changed\n');
  });
}

/** What `start.mjs` exits with when it was called in a wrong way: no change of a source will help. */
const USAGE = 2;

function restart() {
  if (!running) return start();
  process.stdout.write('a source has changed\n');
  running.restarts = true;
  stop('SIGTERM');
}

function stop(signal) {
  const child = running;
  child.kill(signal);
  setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS).unref();
}

function end() {
  if (ending) return;
  ending = true;
  if (running) stop('SIGTERM');
  else process.exit(0);
}

process.on('SIGINT', end).on('SIGTERM', end);
// npm passes a SIGTERM on to the shell that it has started, and the shell ends without passing it on
const parent = process.ppid;
setInterval(() => process.ppid !== parent && end(), 250).unref();
start();
