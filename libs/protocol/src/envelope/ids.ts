import { randomFillSync } from 'node:crypto';

/** Random bytes for some hundred ids: asking the system for them costs more than all else that an id takes. */
const pool = Buffer.allocUnsafeSlow(8 * 1024);
let used = pool.length;

/** Where in the pool so many bytes begin that no id has been made of. */
function taken(bytes: number): number {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return used - bytes;
}

/** So many random bytes, two hexadecimal digits each. */
export function randomDigits(bytes: number): string {
  const at = taken(bytes);
  return pool.toString('hex', at, at + bytes);
}

const MAX_COUNT = 2 ** 26 - 1;
let milliseconds = 0;
let time = '';
let count = 0;

/** Counts within a millisecond, from a random start in the lower half (RFC 9562 section 6.2, method 1). Never goes back. */
function countOn(): void {
  const now = Date.now();
  if (now <= milliseconds && count < MAX_COUNT) {
    count++;
    return;
  }
  milliseconds = Math.max(now, milliseconds + 1);
  time = milliseconds.toString(16).padStart(12, '0');
  count = pool.readUInt32LE(taken(4)) >>> 7;
}

/** The time in ms, as 12 hexadecimal digits, and 10 random bytes. */
export function newTraceId(): string {
  countOn();
  return time + randomDigits(10);
}

const DIGITS = Buffer.from('0123456789abcdef');
const id = Buffer.from('00000000-0000-7000-8000-000000000000');
let timeOfId = '';

function putByte(at: number, byte: number): void {
  id[at] = DIGITS[byte >>> 4] as number;
  id[at + 1] = DIGITS[byte & 0xf] as number;
}

/** A new message id: a UUIDv7 (RFC 9562 section 5.7), above all that this process has made before. */
export function newMessageId(): string {
  countOn();
  if (timeOfId !== time) {
    timeOfId = time;
    id.write(time.slice(0, 8), 0);
    id.write(time.slice(8), 9);
  }
  id[15] = DIGITS[count >>> 22] as number;
  putByte(16, (count >>> 14) & 0xff);
  putByte(19, 0x80 | ((count >>> 8) & 0x3f));
  putByte(21, count & 0xff);
  const random = taken(6);
  for (let i = 0; i < 6; i++) putByte(24 + 2 * i, pool[random + i] as number);
  return id.toString('latin1');
}
