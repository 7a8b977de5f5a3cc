import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import { blocksOf } from '../support/index.js';

/** The app that a page tells its reader to write: the page's named blocks, as its reader's build makes them. */
export class PageApp {
  // Within the project, so that `agentmq` is the build.
  private readonly folder: string;

  constructor(private readonly page: string) {
    mkdirSync('dist/pages', { recursive: true });
    this.folder = resolve(mkdtempSync('dist/pages/'));
    for (const [name, code] of this.files()) this.write(name.replace(/\.ts$/, '.js'), transpiled(code));
  }

  /** The path of a file of the build. */
  built(name: string): string {
    return join(this.folder, name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  private files(): [name: string, code: string][] {
    return blocksOf(this.page).flatMap(({ name, code }) =>
      name === undefined || name.endsWith('.spec.ts') ? [] : [[name, code]],
    );
  }

  private write(name: string, text: string): void {
    mkdirSync(dirname(this.built(name)), { recursive: true });
    writeFileSync(this.built(name), text);
  }
}

const transpiled = (code: string): string =>
  ts.transpileModule(code, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  }).outputText;
