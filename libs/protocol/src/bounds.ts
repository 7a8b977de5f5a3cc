/** How much of an error is kept and sent, in characters: what threw it may have quoted all that it was given. */
const MOST = { name: 100, code: 100, message: 4_000, stack: 6_000, details: 4_000 } as const;
const DEEPEST = 6;
const LONGEST_KEY = 100;

/** The text, or its beginning and how long it was. Never cuts a surrogate pair. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}… (${text.length} characters)`;
}

interface ErrorFields {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
  readonly details?: unknown;
}

/** An error of which no field is longer than is worth keeping; `details` as far as they are JSON. Never throws. */
export function boundedError<E extends ErrorFields>(error: E): E {
  const { name, code, message, stack, details: given, ...rest } = error;
  const details = given === undefined ? undefined : boundedDetails(given);
  return {
    ...rest,
    name: shortened(name, MOST.name),
    code: shortened(code, MOST.code),
    message: shortened(message, MOST.message),
    ...(stack === undefined ? {} : { stack: shortened(stack, MOST.stack) }),
    ...(details === undefined ? {} : { details }),
  } as E;
}

/** The first fields, and of these the first items and characters, that fit. Undefined for what is no object. */
function boundedDetails(details: unknown): Record<string, unknown> | undefined {
  try {
    const copy = copyOf(details, { left: MOST.details }, 0);
    return typeof copy === 'object' && copy !== null && !Array.isArray(copy)
      ? (copy as Record<string, unknown>)
      : undefined;
  } catch {
    // a getter or toJSON of the error's own
    return undefined;
  }
}

function copyOf(value: unknown, room: { left: number }, depth: number): unknown {
  room.left -= 4;
  if (typeof value === 'string') {
    const text = shortened(value, Math.max(0, room.left));
    room.left -= text.length;
    return text;
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object' || depth > DEEPEST || ArrayBuffer.isView(value)) return undefined;
  if ('toJSON' in value && typeof value.toJSON === 'function') return copyOf(value.toJSON(), room, depth + 1);
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value as unknown[]) {
      if (room.left <= 0) break;
      items.push(copyOf(item, room, depth + 1) ?? null);
    }
    return items;
  }
  const fields: Record<string, unknown> = {};
  for (const key in value) {
    if (room.left <= 0) break;
    if (!Object.hasOwn(value, key) || key === '__proto__' || key.length > LONGEST_KEY) continue;
    room.left -= key.length;
    const field = copyOf((value as Record<string, unknown>)[key], room, depth + 1);
    if (field !== undefined) fields[key] = field;
  }
  return fields;
}
