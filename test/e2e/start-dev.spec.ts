import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { AppProcess, databaseUrl, randomNamespace, removeNamespace, until } from '../support/index.js';

const NAMESPACE = randomNamespace();
const WAIT_MS = 25_000;
const workspace = mkdtempSync(join(tmpdir(), 'agentmq-test-start-dev-'));

/** Line 7 answers, and would be another one in what is compiled. */
const shopWith = (answer: string): string => `import { Controller, Get, Module } from '@nestjs/common';
import { AgentModule } from 'agentmq';

@Controller('answer')
class Shop {
  @Get()
  answer(): string { return ${answer}; }
}

@Module({ imports: [AgentModule.forRoot()], controllers: [Shop] })
export class ShopModule {}
`;
const write = (file: string, text: string): void => writeFileSync(join(workspace, file), text);

beforeAll(() => {
  for (const folder of ['apps/shop/src', 'libs', 'migrations']) mkdirSync(join(workspace, folder), { recursive: true });
  for (const shared of ['tools', 'node_modules']) symlinkSync(resolve(shared), join(workspace, shared));
  const shop = { type: 'application', sourceRoot: 'apps/shop/src', entryFile: 'main' };
  write('nest-cli.json', JSON.stringify({ projects: { shop } }));
  write(
    'apps/shop/src/main.ts',
    `import { startAgent } from 'agentmq';
import { ShopModule } from './shop.module.js';

await startAgent(ShopModule);
`,
  );
});
afterAll(async () => {
  rmSync(workspace, { recursive: true });
  await removeNamespace(NAMESPACE);
});

it('start:dev runs an app from its sources, anew when one has changed, and names their lines', async () => {
  write('apps/shop/src/shop.module.ts', shopWith("'hello'"));
  const env = { NAMESPACE, DATABASE_URL: databaseUrl() };
  const dev = await AppProcess.start(resolve('tools/dev/watch.mjs'), env, { cwd: workspace });
  const answer = () =>
    fetch(`${dev.url}/answer`).then(
      (response) => response.text(),
      () => '',
    );
  await until('an answer', async () => (await answer()) === 'hello', WAIT_MS, 50);
  write('apps/shop/src/shop.module.ts', shopWith('String(new Error().stack)'));
  await until('the line', async () => (await answer()).includes('/apps/shop/src/shop.module.ts:7:'), WAIT_MS, 50);
  await dev.kill('SIGTERM');
  expect((await dev.exited).code).toBe(0);
});
