import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A TypeScript block of a page: a module of its own. */
export interface PageBlock {
  readonly page: string;
  /** Of its first line in the page. */
  readonly line: number;
  /** What its first line, `// src/quote.ts`, calls it; later blocks of the page import it by that name. */
  readonly name: string | undefined;
  readonly code: string;
  /**
   * What a fragment needs around it, from the comment above it, which a reader does not see: `<!-- ts ... -->`, where a line
   * `// ...` stands for the block. Without that line the block comes last.
   */
  readonly before: string;
  readonly after: string;
}

const BLOCK = /(?:^<!-- ts\n(?<around>(?:(?!-->)[^])*?)-->\n+)?^(?<fence>```ts\n)(?<code>[^]*?)^```$/gm;

/** Pages of the project that may have code. */
export const codePages = (): string[] => [
  ...readdirSync('.').filter((file) => file.endsWith('.md')),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

export const linesIn = (text: string): number => text.split('\n').length - 1;

export function blocksOf(page: string): PageBlock[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(BLOCK)].map((match) => {
    const { around = '', fence = '', code = '' } = match.groups ?? {};
    const [before = '', after = ''] = around.split(/^ *\/\/ \.\.\.\n/m);
    const start = match.index + match[0].indexOf(fence) + fence.length;
    const name = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1];
    return { page, line: linesIn(text.slice(0, start)) + 1, name, code, before, after };
  });
}
