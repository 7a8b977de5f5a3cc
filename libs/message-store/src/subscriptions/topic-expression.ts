/**
 * A topic pattern as a regular expression of Postgres, for `topic || '.'`: with a dot after every word, `#` is any
 * number of words and `*` is one, wherever they stand. It matches what `topicMatches` matches.
 */
export function topicExpression(pattern: string): string {
  const parts = pattern.split('.').map((word) => {
    if (word === '#') return String.raw`(?:[^.]*\.)*`;
    if (word === '*') return String.raw`[^.]*\.`;
    return word.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`) + String.raw`\.`;
  });
  return `^${parts.join('')}$`;
}
