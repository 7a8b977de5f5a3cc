import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ThrowawayFolder } from '../support/throwaway-folder.js';

interface PackageJson {
  readonly exports: Record<string, unknown>;
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly peerDependenciesMeta: Record<string, { readonly optional?: boolean }>;
}

/** What an app has installed beside: Nest's HTTP server, what its tests use of Nest, and what it is compiled with. */
const OF_THE_APP = ['@nestjs/platform-express', '@nestjs/testing', '@types/node'];

/** An app in a folder of its own that has installed the packed tarball, with the packages that this declares and no others. */
export class InstalledApp {
  private constructor(private readonly folder: ThrowawayFolder) {}

  /** Packs what was built, and installs it as npm does, without asking a registry: packages are links to the project's. */
  static create(): InstalledApp {
    const folder = ThrowawayFolder.create('installed');
    execFileSync(process.execPath, ['tools/pack.mjs']);
    const tarball = readdirSync('dist').find((name) => /^agentmq-.*\.tgz$/.test(name)) ?? '';
    mkdirSync(folder.join('node_modules'));
    execFileSync('tar', ['xzf', resolve('dist', tarball), '-C', folder.path]);
    cpSync(folder.join('package'), folder.join('node_modules/agentmq'), { recursive: true });
    const app = new InstalledApp(folder);
    const { dependencies, peerDependencies, peerDependenciesMeta } = app.manifest();
    const needed = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
    for (const name of [...Object.keys(dependencies), ...needed, ...OF_THE_APP]) app.link(name);
    return app;
  }

  manifest(): PackageJson {
    return JSON.parse(readFileSync(this.path('node_modules/agentmq/package.json'), 'utf8')) as PackageJson;
  }

  path(name: string): string {
    return this.folder.join(name);
  }

  /** What is in the package, beside its folders of libraries. */
  entries(): string[] {
    return readdirSync(this.path('node_modules/agentmq')).sort();
  }

  link(name: string): void {
    const link = this.path(join('node_modules', name));
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', name), link);
  }

  /** Adds the source as an ES module and as CommonJS. */
  write(name: string, source: string): void {
    for (const [folder, type] of [
      ['esm', 'module'],
      ['cjs', 'commonjs'],
    ] as const) {
      mkdirSync(this.path(folder), { recursive: true });
      writeFileSync(this.path(`${folder}/package.json`), JSON.stringify({ type }));
      writeFileSync(this.path(`${folder}/${name}`), source);
    }
  }

  /** Compiles all, declarations of packages included. Returns what the compiler says: nothing when all is well. */
  compile(): string {
    const compilerOptions = {
      ...{ target: 'es2023', module: 'nodenext', types: ['node'], strict: true, skipLibCheck: false },
      ...{ experimentalDecorators: true, emitDecoratorMetadata: true, rootDir: '.' },
    };
    writeFileSync(this.path('tsconfig.json'), JSON.stringify({ compilerOptions, include: ['esm', 'cjs'] }));
    try {
      return execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', this.folder.path], {
        encoding: 'utf8',
      });
    } catch (error) {
      return (error as { readonly stdout: string }).stdout;
    }
  }

  /** How many bytes it brings into an app that has Nest, its validation, amqplib, TypeORM and pg. */
  bytes(): number {
    const names = this.withTheirOwn(Object.keys(this.manifest().dependencies), new Set(['amqplib']));
    return [this.path('node_modules/agentmq'), ...names.map((name) => resolve('node_modules', name))]
      .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .reduce((bytes, { parentPath, name }) => bytes + statSync(join(parentPath, name)).size, 0);
  }

  remove(): void {
    this.folder.remove();
  }

  /** The packages and those that they depend on in turn. */
  private withTheirOwn(names: readonly string[], seen: Set<string>): string[] {
    return names.flatMap((name) => {
      if (seen.has(name)) return [];
      seen.add(name);
      const text = readFileSync(resolve('node_modules', name, 'package.json'), 'utf8');
      const { dependencies = {} } = JSON.parse(text) as Partial<PackageJson>;
      return [name, ...this.withTheirOwn(Object.keys(dependencies), seen)];
    });
  }
}
