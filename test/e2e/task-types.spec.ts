import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../support/index.js';
import { QUICK } from './crew.js';
import { ask, Deployment, post } from './deployment.js';

const WAIT_MS = 60_000;

/** The events of a stream, in order, until it ends. */
async function eventsOf(url: string): Promise<{ id: string; event: string; data: Record<string, unknown> }[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(WAIT_MS) });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const blocks = (await response.text()).split('\n\n').filter((block) => block.includes('data: '));
  return blocks.map((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
    return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) as Record<string, unknown> };
  });
}

describe('tasks of an app that is added while the system runs', () => {
  const system = new Deployment();
  const task = { type: 'price_quote', payload: { symbol: 'ABC', amount: 3 } };
  const coordinator = () => system.app('c1');

  beforeAll(async () => {
    await Promise.all(
      ['coordinator', 'worker'].map(async (app) => (await system.start(app, `${app[0]}1`, QUICK)).ready(WAIT_MS)),
    );
  }, WAIT_MS);
  afterAll(() => system.close(), 30_000);

  it(
    'are refused before, and carried out from then on, without a change to any other app',
    async () => {
      expect(await post(coordinator(), task)).toMatchObject({ status: 422, body: { known: expect.any(Array) } });
      const app = await system.start('dist/programs/test/pricing.js', 'pricing-1', QUICK);
      await app.ready(WAIT_MS);
      const { body } = await until('the task to be taken', async () => {
        const answer = await post(coordinator(), task);
        return answer.status === 202 ? answer : undefined;
      });
      const id = String(body['id']);
      const events = await eventsOf(`${coordinator().url}/tasks/${id}/events`);
      expect(events.map((each) => each.id)).toEqual(events.map((_, n) => String(n + 1)));
      expect(events.at(-1)).toMatchObject({
        event: 'state',
        data: { id, state: 'completed', result: { symbol: 'ABC', total: 36 } },
      });
      expect(await ask(coordinator(), `/tasks/${id}`)).toMatchObject({
        status: 200,
        body: { state: 'completed', path: ['pricing-1'], attempts: [{ agentId: 'pricing-1' }] },
      });
      expect((await fetch(`${coordinator().url}/tasks/none/events`)).status).toBe(404);
    },
    WAIT_MS,
  );

  it(
    'are known as long as the app runs',
    async () => {
      const known = async () => JSON.stringify((await ask(coordinator(), '/task-types')).body);
      expect(await known()).toContain('price_quote');
      await system.app('pricing-1').kill('SIGTERM');
      await until('its type to be forgotten', async () => !(await known()).includes('price_quote'), WAIT_MS);
      expect(await post(coordinator(), task)).toMatchObject({ status: 422 });
    },
    WAIT_MS,
  );
});
