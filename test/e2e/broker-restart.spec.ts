import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type OwnBroker, testBus, until } from '../support/index.js';
import { Deployment, submit, taskOf } from './deployment.js';
import { measurements } from './tables.js';

const START_MS = 60_000;
const ROLES = { c1: 'coordinator', s1: 'specialist', w1: 'worker' };

describe('a broker that is restarted in the middle of a task', () => {
  const system = new Deployment();
  let broker: OwnBroker;

  beforeAll(async () => {
    broker = await testBus.start();
    const apps = await Promise.all(
      Object.entries(ROLES).map(([id, app]) => system.start(app, id, testBus.environment(broker.url))),
    );
    await Promise.all(apps.map((app) => app.ready(START_MS)));
  }, 2 * START_MS);

  afterAll(async () => {
    await system.close();
    await broker.stop();
  }, 30_000);

  it('does not fail the task, though there is one specialist only', async () => {
    const table = measurements(100_000);
    const id = await submit(system.app('c1'), {
      type: 'data_analysis',
      payload: { csv: table.csv, name: 'table.csv' },
    });
    await until(
      'the task to be under way',
      async () => (await taskOf(system.app('c1'), id)).path.includes('s1'),
      30_000,
    );
    await broker.restart();
    const task = await until(
      'the end of the task',
      async () => {
        const view = await taskOf(system.app('c1'), id);
        return view.finishedAt === null ? undefined : view;
      },
      180_000,
      500,
    );
    expect({ state: task.state, error: task.error }).toEqual({ state: 'completed', error: null });
    expect(task.result).toMatchObject({ rows: 100_000 });
  }, 240_000);
});
