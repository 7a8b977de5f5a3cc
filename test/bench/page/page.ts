import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { decimal, markdownTable, table } from '../compare/table.js';
import { type Line, svgOf } from './plot.js';
import { questions } from './questions.js';
import { type Column, type Compared, readColumns } from './results.js';

const PAGE = 'docs/BENCHMARKS.md';
const FIGURES = 'docs/benchmarks/figures.md';
const PLOT = 'docs/benchmarks/throughput.svg';

/** Ways that keep every message in a database until it is handled. */
const isStored = ({ promise }: Compared): boolean => /^(stored|kept)/.test(promise);

/** Fills what lies between the marks of the page, and writes the plot and the page of all figures. */
export async function writePage(files: readonly string[]): Promise<void> {
  const columns = readColumns(files);
  const sections: Record<string, string> = {
    answers: answers(columns),
    contenders: contenders(columns),
    runs: runs(columns),
  };
  let page = readFileSync(PAGE, 'utf8');
  for (const [name, content] of Object.entries(sections)) page = filled(page, name, content);
  await write(PAGE, page);
  await write(
    FIGURES,
    `# All figures\n\nWritten by \`npm run bench -- page\`. What they mean: [BENCHMARKS](../BENCHMARKS.md).\n\n${figures(columns)}\n`,
  );
  writeFileSync(PLOT, plot(columns));
}

function answers(columns: readonly Column[]): string {
  const rows = questions
    .map(({ asked, answer }) => [asked, ...columns.map((column) => answer(column) ?? '–')])
    .filter((row) => row.some((cell, index) => index > 0 && cell !== '–'));
  return markdownTable(['', ...columns.map(({ node }) => node)], rows);
}

function contenders(columns: readonly Column[]): string {
  const rows = comparedIn(columns).map(
    ([, { title, promise, configured = '' }]) => `| ${title} | ${promise} | ${configured} |`,
  );
  return ['| | what it does for a message | set up with |', '|---|---|---|', ...rows].join('\n');
}

function runs(columns: readonly Column[]): string {
  return columns
    .flatMap((column) => column.runs)
    .map(({ date, node, cores, processor, memoryGb, loadBefore, loadAfter, command, servers, packages }) => {
      const versions = Object.entries({ ...servers, ...packages }).map(([name, version]) => `${name} ${version}`);
      return `- ${date.slice(0, 10)}, \`npm run bench -- ${command}\`: Node ${node.slice(1)}, ${cores} cores (${processor}), ${memoryGb} GB, load ${loadBefore} before and ${loadAfter} after. ${versions.join(', ')}.`;
    })
    .join('\n');
}

function figures(columns: readonly Column[]): string {
  return columns
    .flatMap(({ node, measures, ratios }) => {
      const { one_process, two_processes, latency, memory } = measures;
      const parts = [`## ${node}`];
      const compared = (title: string, of: Readonly<Record<string, Compared>> | undefined): void => {
        if (of) parts.push(`### ${title}`, table(Object.values(of)));
      };
      compared('Both ends in one process', one_process);
      compared('Each end in a process of its own', two_processes);
      if (latency)
        parts.push(
          '### Latency at half the top rate',
          markdownTable(
            ['', 'msg/s', 'p50 ms', 'p99 ms'],
            Object.entries(latency).flatMap(([processes, of]) =>
              Object.entries(of).map(([id, { perSecond, p50, p99 }]) => [
                `${id}, ${processes.replace('_', ' ')}`,
                decimal(perSecond, 0),
                decimal(p50, 2),
                decimal(p99, 2),
              ]),
            ),
          ),
        );
      if (memory)
        parts.push(
          '### Resident memory',
          markdownTable(
            ['', 'after 100,000 messages, MB', 'after 1,000,000, MB'],
            Object.entries(memory).map(([id, { firstMb, lastMb }]) => [id, decimal(firstMb, 0), decimal(lastMb, 0)]),
          ),
        );
      parts.push(
        '### Ratios',
        markdownTable(
          ['', 'median of the rounds'],
          Object.entries(ratios).map(([name, ratio]) => [name, decimal(ratio, 2)]),
        ),
      );
      return parts;
    })
    .join('\n\n');
}

function plot(columns: readonly Column[]): string {
  const all = comparedIn(columns);
  const lineOf = ([id, { title }]: readonly [string, Compared]): Line => ({
    label: title,
    isOurs: title.startsWith('AgentMQ'),
    values: (['rate', 'cpu'] as const).map((figure) =>
      columns.map(({ measures }) => measures.one_process?.[id]?.[figure].median ?? 0),
    ),
  });
  const group = (title: string, stored: boolean) => ({
    title,
    lines: all
      .filter(([, compared]) => isStored(compared) === stored)
      .sort(([, one], [, other]) => other.rate.median - one.rate.median)
      .map(lineOf),
  });
  return svgOf({
    panels: ['messages a second, end to end', 'CPU of both ends, µs a message (less is better)'],
    versions: columns.map(({ node }) => node),
    groups: [group('Every message is stored', true), group('Nothing is stored', false)],
  });
}

/** Of the newest version of Node that has them. */
const comparedIn = (columns: readonly Column[]): [string, Compared][] =>
  Object.entries(columns.findLast(({ measures }) => measures.one_process)?.measures.one_process ?? {});

function filled(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has no place for ${name}`);
  return `${before}${begin}\n\n${content}\n\n${end}${after}`;
}

async function write(file: string, markdown: string): Promise<void> {
  const style = await resolveConfig(file);
  writeFileSync(file, await format(markdown, { ...style, parser: 'markdown' }));
}
