import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { UsageError } from './errors.js';

/** The JSON text that is given as `{"a":1}`, as `@file`, or as `-` for the standard input. Rejects with `UsageError` for what is no JSON. */
export async function payloadText(given: string, name: string): Promise<string> {
  const text =
    given === '-' ? await textOf(process.stdin) : given.startsWith('@') ? await fileText(given, name) : given;
  parsed(text, name);
  return text;
}

/** As {@link payloadText}, parsed: a JSON object. */
export async function payloadObject(given: string, name: string): Promise<Record<string, unknown>> {
  const value = parsed(await payloadText(given, name), name);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${name}: is not a JSON object`);
  return value as Record<string, unknown>;
}

async function fileText(given: string, name: string): Promise<string> {
  const file = given.slice(1);
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`${name}: ${file} can't be read`, { cause: error });
  });
}

export function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name}: is not JSON`, { cause: error });
  }
}
