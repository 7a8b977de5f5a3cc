import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Team } from 'agentmq/agent';
import { firstExamples } from './first.js';

type Name = keyof typeof firstExamples;
const pages: Readonly<Record<Name, string>> = {
  consensus: 'CONSENSUS',
  delegation: 'DELEGATION',
  distribution: 'DISTRIBUTION',
  election: 'ELECTION',
  pipelines: 'PIPELINES',
  registry: 'REGISTRY',
  scaling: 'SCALING',
  tasks: 'TASKS',
};
const outcomes: Readonly<Record<Name, unknown>> = {
  consensus: 'approved',
  delegation: { words: 12 },
  distribution: { price: 400 },
  election: expect.any(Number),
  pipelines: { text: 'Oslo is cold' },
  registry: ['translator'],
  scaling: 3,
  tasks: { name: 'small-cat.png' },
};

const textOf = (file: string): Promise<string> => readFile(new URL(`../${file}`, import.meta.url), 'utf8');

/** Code blocks of a page that say which file they are from. */
const quotesIn = (page: string): [file: string, code: string][] =>
  [...page.matchAll(/^<!-- (examples\/\S+) -->\n+```ts\n(.*?)^```$/gms)].map(([, file = '', code = '']) => [
    file,
    code,
  ]);

describe('the first example of a page', () => {
  let folder: string;
  let team: Team;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentmq-examples-'));
    const settings = Team.settings();
    const coordination = { ...settings.coordination, electionTimeout: 400, leaderHeartbeatInterval: 100 };
    team = await Team.open({ ...settings, coordination }, folder);
  });
  // The next example's agents are alone.
  afterEach(() => team.stopAgents());
  afterAll(async () => {
    await team.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const names = Object.keys(firstExamples) as Name[];

  it.each(names)('%s runs', async (name) => {
    await expect(firstExamples[name](team)).resolves.toEqual(outcomes[name]);
  });

  it.each(names)('%s is shown as it is', async (name) => {
    const [page, code] = await Promise.all([textOf(`docs/${pages[name]}.md`), textOf(`examples/${name}.ts`)]);
    expect(quotesIn(page)).toEqual([[`examples/${name}.ts`, code]]);
  });
});
