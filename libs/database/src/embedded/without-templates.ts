const BLOCK = 512;
const NAME = [0, 100] as const;
const SIZE = [124, 136] as const;

/** The files of `template1` and `template0`: more than half of all. */
const TEMPLATES = /^\/?base\/[14]\/./;

/**
 * The archive (tar) of a database's files without those of the databases that new ones are made of: it is read in half the time.
 * `CREATE DATABASE` fails in a database that is made of it.
 */
export function withoutTemplates(tar: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at + BLOCK <= tar.length;) {
    const name = textAt(tar, at, NAME);
    if (name === '') break;
    const bytes = Number.parseInt(textAt(tar, at, SIZE), 8) || 0;
    const end = at + BLOCK + Math.ceil(bytes / BLOCK) * BLOCK;
    if (!TEMPLATES.test(name)) kept.push(tar.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...kept, Buffer.alloc(2 * BLOCK)]);
}

const textAt = (tar: Buffer, at: number, [begin, end]: readonly [number, number]): string =>
  tar.toString('latin1', at + begin, at + end).replace(/\0.*$/s, '');
