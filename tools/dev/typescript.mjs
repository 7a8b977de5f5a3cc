/** Has Node run the TypeScript sources as they are, compiled as for Jest: `node --import ./tools/dev/typescript.mjs`. */
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { transform } from '@swc/core';
import jest from '../../jest.config.mjs';

const [, options] = jest.transform['^.+\\.ts$'];

/** Sources name each other as what is built of them: `./worker.agent.js`. */
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!/^\.{1,2}\/.*\.js$/.test(specifier)) throw error;
    return next(specifier.replace(/\.js$/, '.ts'), context);
  }
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  try {
    const { code } = await transform(await readFile(filename, 'utf8'), { ...options, filename, swcrc: false });
    return { format: 'module', source: code, shortCircuit: true };
  } catch (error) {
    // after the lines of the source come the compiler's own
    throw new SyntaxError(error.message.replace(/\s+Caused by:[^]*/, '\n'));
  }
}

if (isMainThread) register(import.meta.url);
