import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { pathToFileURL } from 'node:url';
import type * as protocol from 'agentmq/protocol';
import { type BreakingChange, type ContractsFile, errorText } from 'agentmq/protocol';
import type { PayloadClass } from 'agentmq';
import { print } from '../output/index.js';
import { ContractsChangedError, ContractsFileError } from './errors.js';

type Library = Pick<typeof protocol, 'breakingChanges' | 'changeText' | 'contractsAmong' | 'describeContracts'>;

export interface CheckOptions {
  readonly file: string;
}

export interface WriteOptions extends CheckOptions {
  readonly accept: boolean;
}

/**
 * Compares the contracts that the modules export with the file, and prints what breaks.
 * Rejects with `ContractsChangedError` when something does, or when the file does not have a change that breaks nothing.
 */
export async function check(modules: readonly string[], { file }: CheckOptions): Promise<void> {
  const { library, now } = await contractsOf(modules);
  const before = await read(file);
  if (!before) throw new ContractsFileError(file, 'is not there: make it with `agentmq contracts write`');
  const changes = report(library, library.breakingChanges(before, now));
  if (changes > 0) throw new ContractsChangedError(`${changes} breaking: see docs/EVOLUTION.md`);
  if (!isDeepStrictEqual(before, JSON.parse(JSON.stringify(now)))) {
    throw new ContractsChangedError(`${file} is not up to date: run \`agentmq contracts write\` and commit it`);
  }
  print(`${Object.keys(now.contracts).length} contracts are as in ${file}`);
}

/** Writes the contracts that the modules export. Rejects with `ContractsChangedError` when that breaks and is not accepted. */
export async function write(modules: readonly string[], { file, accept }: WriteOptions): Promise<void> {
  const { library, now } = await contractsOf(modules);
  const before = await read(file);
  const changes = report(library, before ? library.breakingChanges(before, now) : []);
  if (changes > 0 && !accept) {
    throw new ContractsChangedError(`${changes} breaking, ${file} is left as it was; --accept writes it all the same`);
  }
  await writeFile(file, `${JSON.stringify(now, undefined, 2)}\n`).catch((error: unknown) => {
    throw new ContractsFileError(file, errorText(error), { cause: error });
  });
  print(`${Object.keys(now.contracts).length} contracts written to ${file}`);
}

function report(library: Library, changes: readonly BreakingChange[]): number {
  for (const change of changes) print(library.changeText(change));
  return changes.length;
}

/**
 * The contracts that the modules export, as the modules' own copy of agentmq describes them: this program is a bundle,
 * whose copy does not know what their decorators declared.
 */
async function contractsOf(modules: readonly string[]): Promise<{ library: Library; now: ContractsFile }> {
  const paths = modules.map((module) => resolve(module));
  const library = (await load(ownLibrary(paths))) as unknown as Library;
  const payloads: PayloadClass[] = [];
  for (const path of paths) {
    const exported = library.contractsAmong(Object.values(await load(path)));
    if (exported.length === 0) throw new ContractsFileError(path, 'exports no class that is declared with @Contract');
    payloads.push(...exported);
  }
  try {
    return { library, now: library.describeContracts(payloads) };
  } catch (error) {
    throw new ContractsFileError(paths.join(', '), errorText(error), { cause: error });
  }
}

function ownLibrary([first = '']: readonly string[]): string {
  try {
    return createRequire(first).resolve('agentmq/protocol');
  } catch (error) {
    throw new ContractsFileError(first, 'has no package agentmq', { cause: error });
  }
}

async function load(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    throw new ContractsFileError(path, `can't be loaded: ${errorText(error)}`, { cause: error });
  }
}

/** The file's contracts; undefined when there is no file yet. */
async function read(file: string): Promise<ContractsFile | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new ContractsFileError(file, errorText(error), { cause: error });
  }
  try {
    const { contracts } = JSON.parse(text) as Partial<ContractsFile>;
    if (typeof contracts === 'object') return JSON.parse(text) as ContractsFile;
  } catch (error) {
    throw new ContractsFileError(file, errorText(error), { cause: error });
  }
  throw new ContractsFileError(file, 'has no contracts: it was not written by `agentmq contracts write`');
}
