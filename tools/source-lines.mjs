/**
 * Loaded before a program's bundle: stack traces name the lines of the sources. As `--enable-source-maps` does, but a map is read
 * when the first error of its file is told: to read all of them at each start costs a tenth of its CPU time, and 11 MB.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

const bundles = new URL('.', import.meta.url).href;
const maps = new Map();

function mapOf(file) {
  if (!maps.has(file)) {
    let map;
    try {
      map = new SourceMap(JSON.parse(readFileSync(fileURLToPath(`${file}.map`), 'utf8')));
    } catch {
      // without a map the bundle's lines are told
    }
    maps.set(file, map);
  }
  return maps.get(file);
}

function told(frame) {
  const text = String(frame);
  const file = frame.getFileName();
  if (!file?.startsWith(bundles)) return text;
  const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
  const entry = mapOf(file)?.findEntry(line - 1, column - 1);
  if (entry?.originalSource === undefined) return text;
  const source = new URL(entry.originalSource, file).href;
  return text.replace(`${file}:${line}:${column}`, `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`);
}

Error.prepareStackTrace = (error, frames) => {
  let head;
  try {
    head = Error.prototype.toString.call(error);
  } catch {
    head = 'Error';
  }
  return [head, ...frames.map((frame) => `    at ${told(frame)}`)].join('\n');
};
