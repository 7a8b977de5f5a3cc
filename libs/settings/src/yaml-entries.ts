import { createRequire } from 'node:module';
import type { CST, LineCounter, Node, YAMLError } from 'yaml';

/** Loaded when there is a file to read: its 70 modules are a good part of the time that a process, or a test, takes to start. */
const loadYaml = (): typeof import('yaml') => createRequire(import.meta.url)('yaml') as typeof import('yaml');

/** A value of a file of sections and keys. */
export interface YamlEntry {
  /** `section.key` */
  readonly place: string;
  readonly line: number;
  /** Of a number, the text as it is written; undefined: `key:` with nothing behind it. */
  readonly value: string | undefined;
}

export interface Entries {
  readonly entries: readonly YamlEntry[];
  readonly problems: readonly { readonly line: number; readonly text: string }[];
}

/** The composer recurses, and a file has only two levels that can be right. */
const MOST_LEVELS = 10;

/** Reads YAML 1.2, and JSON as a part of it: sections of keys. No problem quotes a value, since it may be a secret. */
export function readYamlEntries(text: string): Entries {
  const yaml = loadYaml();
  const { isAlias, isMap, isScalar } = yaml;
  const lines = new yaml.LineCounter();
  const entries: YamlEntry[] = [];
  const problems: { line: number; text: string }[] = [];
  const seen = new Set<string>();
  const wrong = (offset: number | undefined, problem: string): void => {
    problems.push({ line: lines.linePos(offset ?? 0).line, text: problem });
  };

  const root = compose(yaml, text, lines, (error) => wrong(error.pos[0], `is no valid YAML or JSON: ${nameOf(error)}`));
  if (problems.length > 0) return { entries, problems };
  if (root === null) wrong(0, 'is empty');
  else if (isMap(root)) readMap(root, '');
  else wrong(root.range?.[0], 'must have sections: `registry:`, with `agent_timeout: 120` under it');
  return { entries, problems };

  function readMap(map: Node, section: string): void {
    if (!isMap(map)) return;
    for (const { key, value } of map.items as { key: Node | null; value: Node | null }[]) {
      const offset = key?.range?.[0] ?? map.range?.[0];
      if (!isScalar(key) || typeof key.value !== 'string') {
        wrong(offset, 'a key must be a word');
        continue;
      }
      const place = `${section}${key.value}`;
      if (seen.has(place)) wrong(offset, `${place}: is given twice`);
      else if (isMap(value) && section === '') readMap(value, `${place}.`);
      else readValue(place, value, offset);
      seen.add(place);
    }
  }

  function kindOf(value: Node): string {
    if (isMap(value)) return 'a section';
    if (isAlias(value)) return 'an alias';
    return isScalar(value) ? `a ${typeof value.value}` : 'a list';
  }

  function readValue(place: string, value: Node | null, offset = 0): void {
    const { line } = lines.linePos(offset);
    if (value === null || (isScalar(value) && (value.value === null || value.value === ''))) {
      entries.push({ place, line, value: undefined });
    } else if (isScalar(value) && typeof value.value === 'string') {
      entries.push({ place, line, value: value.value });
    } else if (isScalar(value) && typeof value.value === 'number') {
      entries.push({ place, line, value: value.source ?? String(value.value) });
    } else {
      wrong(offset, `${place}: must be text or a number, not ${kindOf(value)}`);
    }
  }
}

/** The file's one document; null for an empty one. */
function compose(
  yaml: typeof import('yaml'),
  text: string,
  lines: LineCounter,
  onError: (error: Pick<YAMLError, 'code' | 'pos'>) => void,
): Node | null {
  const tokens: CST.Token[] = [];
  for (const token of new yaml.Parser(lines.addNewLine).parse(text)) {
    if (isDeep(token)) {
      onError({ code: 'RESOURCE_EXHAUSTION', pos: [token.offset, token.offset] });
      return null;
    }
    tokens.push(token);
  }
  // Its own check for keys given twice compares each key with each, and its own messages quote the file.
  const options = {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  } as const;
  const [document, second] = [...new yaml.Composer(options).compose(tokens, true, text.length)];
  const [error] = [...(document?.errors ?? []), ...(document?.warnings ?? [])];
  if (error) onError(error);
  else if (second) onError({ code: 'MULTIPLE_DOCS', pos: [second.range[0], second.range[0]] });
  return document?.contents ?? null;
}

function isDeep(root: CST.Token): boolean {
  const waiting: [CST.Token, number][] = [[root, 0]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [token, level] = next;
    if (level > MOST_LEVELS) return true;
    if (token.type === 'document' && token.value) waiting.push([token.value, level]);
    if ('items' in token)
      for (const { key, value } of token.items)
        for (const child of [key, value]) if (child) waiting.push([child, level + 1]);
  }
  return false;
}

const nameOf = ({ code }: Pick<YAMLError, 'code'>): string =>
  code === 'RESOURCE_EXHAUSTION' ? 'nested too deeply' : code.toLowerCase().replaceAll('_', ' ');
