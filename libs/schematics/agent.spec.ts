import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const PACKAGES = ['@nestjs', 'prettier', 'typescript'];

let workspace: string;
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'agentmq-test-generate-'));
  mkdirSync(join(workspace, 'node_modules'));
  for (const name of PACKAGES)
    symlinkSync(join(process.cwd(), 'node_modules', name), join(workspace, 'node_modules', name));
  symlinkSync(process.cwd(), join(workspace, 'node_modules/agentmq'));
  write({ 'package.json': '{ "type": "module" }', '.prettierrc': '{ "singleQuote": true, "trailingComma": "all" }' });
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

/** What a user types, after `nest generate`. Resolves with what is printed. */
const generate = async (...given: string[]): Promise<string> => {
  const nest = join(process.cwd(), 'node_modules/@nestjs/cli/bin/nest.js');
  const { stdout, stderr } = await run(process.execPath, [nest, 'generate', ...given, '-c', 'agentmq'], {
    cwd: workspace,
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
  });
  return stdout + stderr;
};

const write = (files: Record<string, string>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, name)), { recursive: true });
    writeFileSync(join(workspace, name), text);
  }
};

const read = (file: string, folder = workspace): string => readFileSync(join(folder, file), 'utf8');

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

describe('in a monorepo', () => {
  const project = (name: string) => ({
    type: 'application',
    root: `services/${name}`,
    entryFile: 'main',
    sourceRoot: `services/${name}/src`,
    compilerOptions: { tsConfigPath: `services/${name}/tsconfig.app.json` },
  });
  const tsconfig = (name: string) => `{
  "extends": "../../tsconfig.json",
  "compilerOptions": { "outDir": "../../dist/services/${name}" }
}
`;
  const reference = (name: string) => ({ path: `./services/${name}/tsconfig.app.json` });

  beforeEach(() =>
    write({
      'nest-cli.json': JSON.stringify({ monorepo: true, projects: { shop: project('shop') } }),
      'tsconfig.json': JSON.stringify({ files: [], references: [reference('shop')] }),
      'services/shop/tsconfig.app.json': tsconfig('shop'),
      'services/shop/src/shop.module.ts':
        "import { Module } from '@nestjs/common';\n\n@Module({})\nexport class ShopModule {}\n",
      'docker-compose.yml': COMPOSE,
    }),
  );

  it('makes an app as its neighbours are, for a project that there is not yet', async () => {
    write({ 'services/shop/src/tasks.ts': "import { CoordinatorsModule } from 'agentmq/coordination';\n" });
    await generate('agent', 'stockCheck', '-p', 'stock');
    expect(filesIn(join(workspace, 'services/stock'))).toEqual([
      'src/main.ts',
      'src/stock-check.agent.spec.ts',
      'src/stock-check.agent.ts',
      'src/stock-check.contract.ts',
      'src/stock-check.module.ts',
      'tsconfig.app.json',
    ]);
    expect(read('services/stock/tsconfig.app.json')).toBe(tsconfig('stock'));
    expect(read('services/stock/src/main.ts')).toBe(`import { Module } from '@nestjs/common';
import { AgentModule, startAgent } from 'agentmq';
import { StockCheckModule } from './stock-check.module.js';

@Module({ imports: [AgentModule.forRoot(), StockCheckModule] })
class AppModule {}

await startAgent(AppModule);
`);
    expect(JSON.parse(read('nest-cli.json'))).toEqual({
      monorepo: true,
      projects: { shop: project('shop'), stock: project('stock') },
    });
    expect(JSON.parse(read('tsconfig.json'))).toEqual({
      files: [],
      references: [reference('shop'), reference('stock')],
    });
    expect(read('docker-compose.yml')).toBe(
      COMPOSE.replace('\nvolumes:', '\n  stock:\n    <<: *agent\n    command: [start, stock]\n\nvolumes:'),
    );
  });

  it('adds to a project that there is, and tells what its main lacks', async () => {
    const printed = await generate('agent', 'pricing', '-p', 'shop', '--no-spec');
    expect(filesIn(join(workspace, 'services/shop/src/pricing'))).toEqual([
      'pricing.agent.ts',
      'pricing.contract.ts',
      'pricing.module.ts',
    ]);
    expect(read('services/shop/src/shop.module.ts')).toBe(`import { Module } from '@nestjs/common';
import { PricingModule } from './pricing/pricing.module.js';
import { AgentModule } from 'agentmq';
import { CoordinatorsModule } from 'agentmq/coordination';

@Module({
  imports: [PricingModule, AgentModule.forRoot(), CoordinatorsModule],
})
export class ShopModule {}
`);
    expect(printed).toContain('services/shop/src/main.ts: call connectAgent(app)');
  });
});

it('refuses a name that no agent can have', async () => {
  write({ 'nest-cli.json': '{}' });
  expect(await generate('agent', '9lives')).toContain('name: "9lives" is no name of an agent');
  expect(readdirSync(workspace)).not.toContain('src');
});

const COMPOSE = `x-agent: &agent
  image: shop

services:
  # the shop
  shop:
    <<: *agent
    command: [start, shop]

volumes:
  data:
`;
