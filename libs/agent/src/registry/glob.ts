/** Whether a name matches: `*` stands for any characters, none included, all else for itself. Without backtracking. */
export function globMatcher(glob: string): (name: string) => boolean {
  const [head = '', ...middle] = glob.split('*');
  const tail = middle.pop();
  if (tail === undefined) return (name) => name === glob;
  return (name) => {
    const end = name.length - tail.length;
    if (end < head.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
    let from = head.length;
    for (const part of middle) {
      const at = name.indexOf(part, from);
      from = at + part.length;
      if (at < 0 || from > end) return false;
    }
    return true;
  };
}
