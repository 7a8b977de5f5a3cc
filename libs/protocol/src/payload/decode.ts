import { InvalidMessageError } from '../errors.js';
import { MAX_DEPTH, MAX_PARTS, tooDeep, tooMany } from './limits.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The JSON value of a body. What nests too deep, or has too many parts, is found before work is spent on it. Keys `__proto__`
 * are left out, at any depth: code that copies them sets a prototype. Throws {@link InvalidMessageError}.
 */
export function decodeBody(body: Buffer): unknown {
  const excess = excessOf(body);
  if (excess) throw new InvalidMessageError('body', excess);
  let value: unknown;
  try {
    const text = utf8.decode(body);
    value = JSON.parse(text) as unknown;
    if (mayNamePrototype(text)) dropPrototypes(value);
  } catch (error) {
    throw new InvalidMessageError('body', 'is not JSON in UTF-8', { cause: error });
  }
  return value;
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a] as const;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const;

/** Counts in one pass over the bytes. Right for all that is JSON; what is not is found by the parser. */
function excessOf(body: Buffer): string | undefined {
  // Most bodies are too short to nest too deep, or to have too many parts.
  if (body.length <= 2 * MAX_DEPTH) return undefined;
  let depth = 0;
  let parts = 0;
  for (let i = 0; i < body.length; i++) {
    switch (body[i]) {
      case QUOTE:
        i = endOfString(body, i + 1);
        break;
      case COLON:
        if (++parts > MAX_PARTS) return tooMany;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        if (++depth > MAX_DEPTH) return tooDeep;
        if (++parts > MAX_PARTS) return tooMany;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth--;
        break;
      default:
    }
  }
  return undefined;
}

/** A string shorter than this is gone through byte by byte; of a longer one the end is looked for. */
const SHORT = 64;

/** Where the string that begins at `start` has its closing quote. */
function endOfString(body: Buffer, start: number): number {
  const near = Math.min(start + SHORT, body.length);
  let i = start;
  for (; i < near; i++) {
    if (body[i] === QUOTE) return i;
    if (body[i] === BACKSLASH) i++;
  }
  // `i` is at the beginning of a character that is not escaped
  for (;;) {
    const quote = body.indexOf(QUOTE, i);
    if (quote === -1) return body.length;
    let before = quote;
    while (before > i && body[before - 1] === BACKSLASH) before--;
    if ((quote - before) % 2 === 0) return quote;
    i = quote + 1;
  }
}

const mayNamePrototype = (text: string): boolean =>
  text.includes('__proto__') || text.includes('\\u005f') || text.includes('\\u005F');

function dropPrototypes(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Object.hasOwn(value, '__proto__')) Reflect.deleteProperty(value, '__proto__');
  for (const item of Object.values(value)) dropPrototypes(item);
}
