/** A part of JSON text. */
export interface JsonToken {
  readonly kind: 'key' | 'text' | 'number' | 'word' | 'other';
  readonly text: string;
}

const pattern = /("(?:[^"\\\n]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

/** The parts of JSON text, which joined are the text again; it may be cut off anywhere. */
export function tokensOf(json: string): JsonToken[] {
  const tokens: JsonToken[] = [];
  let end = 0;
  const other = (until: number): void => {
    if (until > end) tokens.push({ kind: 'other', text: json.slice(end, until) });
  };
  for (const found of json.matchAll(pattern)) {
    const [whole, text, colon, number] = found;
    other(found.index);
    if (text !== undefined && colon !== undefined) {
      tokens.push({ kind: 'key', text }, { kind: 'other', text: colon });
    } else {
      tokens.push({ kind: text === undefined ? (number === undefined ? 'word' : 'number') : 'text', text: whole });
    }
    end = found.index + whole.length;
  }
  other(json.length);
  return tokens;
}
