import { pathToFileURL } from 'node:url';

/** Runs an app that ends, at the latest, with the process of this id, whoever has started it: `bound <pid> <script> <arguments>`. */
const [node = '', , pid, script = '', ...rest] = process.argv;
const LOOK_MS = 1_000;

setInterval(() => {
  try {
    process.kill(Number(pid), 0);
  } catch {
    process.exit(1);
  }
}, LOOK_MS).unref();

process.argv = [node, script, ...rest];
await import(pathToFileURL(script).href);
