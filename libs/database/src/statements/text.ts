/** A text that Postgres can't hold as it is: NUL, half a surrogate pair, or a byte order mark at its start. */
const odd = /[\0\ud800-\udfff]|^\ufeff/;

/**
 * A string as both Postgres and PGlite can hold and give it back: NUL (which Postgres has no text for) and lone
 * surrogates become U+FFFD, and a leading byte order mark (which PGlite's decoder swallows) is dropped.
 */
export function clean(text: string): string {
  if (!odd.test(text)) return text;
  return Buffer.from(text.replaceAll('\0', '\ufffd').replace(/^\ufeff+/, ''), 'utf8').toString('utf8');
}

export const cleanOptional = (text: string | undefined): string | null => (text === undefined ? null : clean(text));
