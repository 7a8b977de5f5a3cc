/**
 * What a terminal or a viewer of logs obeys instead of showing it: control characters (C0 and C1, so line ends and escape
 * sequences too), line separators, and marks that turn the direction of text.
 */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const INDENT = '    ';

const escaped = (character: string): string => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;

/** Text from outside as part of one line that does nothing but show it. */
export const visible = (text: string): string =>
  text.replaceAll(OBEYED, (character) => SHORT[character] ?? escaped(character));

/** The same for JSON text, which stays JSON. */
export const visibleJson = (json: string): string => json.replaceAll(OBEYED, escaped);

/** Text of several lines, as a stack: each but the first is indented, so that none passes for a line of the log. */
export const visibleLines = (text: string): string =>
  text
    .split('\n')
    .map((line, index) => (index === 0 || line.startsWith(INDENT) ? visible(line) : INDENT + visible(line)))
    .join('\n');
