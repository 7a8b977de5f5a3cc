import { expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { blocksOf, codePages, linesIn, type PageBlock } from '../support/index.js';

interface Source extends PageBlock {
  readonly file: string;
  readonly text: string;
}

/** The folders need not exist: modules are found as from the page's own. */
const sourcesOf = (page: string): Source[] =>
  blocksOf(page).map((block, n) => ({
    ...block,
    file: resolve(`${page}.blocks`, block.name ?? `block-${n + 1}.ts`),
    text: `${block.before}${block.code}${block.after}\nexport {};\n`,
  }));

const JEST_GLOBALS = 'test/support/jest-globals.d.ts';

interface Schematic {
  readonly filesOf: (agent: object) => Record<string, string>;
  readonly mainOf: (agent: object) => string;
}

/** What `nest generate agent pricing` writes, for the page about it too. Its spec takes the globals of Jest. */
const generated = async (): Promise<Source[]> => {
  const page = 'libs/schematics/agent/files.js';
  const { filesOf, mainOf } = (await import(pathToFileURL(resolve(page)).href)) as Schematic;
  const of = (ending: string): string => `./pricing.${ending}.js`;
  const agent = { name: 'pricing', className: 'Pricing', type: 'pricing', isEsm: true, assigns: true, of };
  const files = { ...filesOf(agent), main: mainOf(agent) };
  return Object.entries(files).map(([ending, text]) => ({
    ...{ page, line: 1, name: undefined, before: '', code: text, after: '', text },
    file: resolve(`docs/GENERATOR.md.blocks/src/pricing/pricing.${ending}.ts`),
  }));
};

const complaint = ({ messageText, start = 0 }: ts.Diagnostic, { page, line, text, before }: Source): string =>
  `${page}:${line + linesIn(text.slice(0, start)) - linesIn(before)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;

/** All blocks of all pages as one program, since it has to read the libraries once. */
const compile = (sources: readonly Source[]): string[] => {
  const config = ts.getParsedCommandLineOfConfigFile(
    'tsconfig.json',
    { noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  if (!config) throw new Error('tsconfig.json can not be read');
  const texts = new Map(sources.map(({ file, text }) => [file, text]));
  const host = ts.createCompilerHost(config.options);
  const { readFile, fileExists } = host;
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  const folders = new Set(sources.map(({ file }) => dirname(file)));
  host.directoryExists = (folder) => folders.has(folder) || existsSync(folder);
  const program = ts.createProgram([...texts.keys(), resolve(JEST_GLOBALS)], config.options, host);
  return sources.flatMap((each) => {
    const source = program.getSourceFile(each.file);
    const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return problems.map((problem) => complaint(problem, each));
  });
};

it('the TypeScript of the pages, and of what is generated, compiles', async () => {
  const sources = [...codePages().flatMap(sourcesOf), ...(await generated())];
  const files = sources.map(({ file }) => file);
  expect(files).toEqual([...new Set(files)]);
  expect(compile(sources)).toEqual([]);
});
