import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../support/index.js';
import { Done, Job } from './apps/crew-contracts.js';
import { Crew } from './crew.js';

const WAIT_MS = 60_000;
const WORKERS = ['w1', 'w2', 'w3'];

describe('tasks of three worker processes and two coordinator processes', () => {
  const crew = new Crew();
  let count = 0;

  const submit = (jobs: number, ms: number): Promise<string[]> =>
    crew.tasks.submitAll(
      Job,
      Array.from({ length: jobs }, () => ({ n: count++, ms })),
      { to: { role: 'worker' } },
    );
  /** Resolves with the tasks that a worker has begun, and those that it has not, when there are some of both. */
  const inTheMiddle = (worker: string) =>
    until(
      `${worker} to have begun tasks, and to have others`,
      async () => {
        const held = (await crew.tasks.list({ state: 'assigned', limit: 1_000 })).filter(
          ({ agentId }) => agentId === worker,
        );
        const begun = held.filter(({ startedAt }) => startedAt);
        const waiting = held.filter(({ startedAt }) => !startedAt);
        return begun.length > 0 && waiting.length > 0 ? { begun, waiting } : undefined;
      },
      WAIT_MS,
      20,
    );
  /** Each task has one result, and what it wrote was written once. */
  const expectAllDoneOnce = async (ids: readonly string[]): Promise<void> => {
    const results = await Promise.all(ids.map((id) => crew.tasks.result(id, { answer: Done })));
    const done = results.map(({ n }) => n);
    expect(new Set(done).size).toBe(ids.length);
    const effects = await crew.rows(
      `SELECT n, agent AS by FROM NS.effects WHERE n = ANY('{${done.join(',')}}') ORDER BY n`,
    );
    expect(effects).toEqual([...results].sort((a, b) => a.n - b.n).map(({ n, by }) => ({ n, by })));
  };

  beforeAll(
    () =>
      crew.start([
        ...['c1', 'c2'].map((id) => ({ id, role: 'coordinator' as const })),
        ...WORKERS.map((id) => ({ id, role: 'worker' as const, concurrency: 2 })),
      ]),
    2 * WAIT_MS,
  );
  afterAll(() => crew.close(), WAIT_MS);

  it(
    'are all done once when a worker stands still for too long, which can do nothing about that when it goes on',
    async () => {
      const ids = await submit(30, 300);
      const { begun, waiting } = await inTheMiddle('w1');
      crew.system.app('w1').pause();
      const held = [...begun, ...waiting].map(({ id }) => id);
      const isTaken = async (id: string) => (await crew.tasks.find(id))?.agentId !== 'w1';
      await until(
        'others to have them',
        async () => (await Promise.all(held.map(isTaken))).every(Boolean),
        WAIT_MS,
        50,
      );
      crew.system.app('w1').resume();
      // it finishes what it had begun, too late
      const late = await until(
        'it to finish',
        async () => {
          const worked = await crew.rows<{ n: number }>(
            `SELECT n FROM NS.worked WHERE agent = 'w1' AND attempt = 1 AND n IN
               (SELECT (payload::json ->> 'n')::integer FROM NS.tasks WHERE id IN (${begun.map(({ id }) => `'${id}'`).join(', ')}))`,
          );
          return worked.length === begun.length ? worked : undefined;
        },
        WAIT_MS,
      );
      expect(late).toHaveLength(begun.length);
      await expectAllDoneOnce(ids);
      for (const { id } of begun) expect(await crew.tasks.find(id)).toMatchObject({ attempt: 2, failures: 1 });
      // and is as good as any other again
      const job = await crew.tasks.run(Job, { n: count++, ms: 0 }, { to: { agent: 'w1' }, answer: Done });
      expect(job.by).toBe('w1');
    },
    3 * WAIT_MS,
  );

  it(
    'are carried out or not as others decide, one of whom is killed over it',
    async () => {
      const electorate = WORKERS;
      const decided = async (job: Job, absent?: string) => {
        const motion = { subject: 'is it worth it?', content: { ...job, ...(absent ? { absent } : {}) } };
        const id = await crew.consensus.propose(motion, { electorate, rule: 'unanimous', timeout: WAIT_MS });
        return { id, outcome: crew.consensus.outcome(id) };
      };
      const carriedOut = async (job: Job, outcome: string): Promise<Done | undefined> =>
        outcome === 'approved' ? crew.tasks.run(Job, job, { to: { role: 'worker' }, answer: Done }) : undefined;

      const good = { n: count++, ms: 10 };
      const bad = { n: count++, ms: 10_000 };
      const rejected = await (await decided(bad)).outcome;
      expect(rejected.outcome).toBe('rejected');
      expect(await carriedOut(bad, rejected.outcome)).toBeUndefined();

      const voting = await decided(good, 'w3');
      await until('two to have voted', async () => (await crew.consensus.find(voting.id))?.votes.length === 2, WAIT_MS);
      await crew.system.app('w3').kill('SIGKILL');
      const approved = await voting.outcome;
      expect(approved).toMatchObject({ outcome: 'approved', absent: [{ elector: 'w3' }] });
      expect(await carriedOut(good, approved.outcome)).toMatchObject({ n: good.n });
      const effects = await crew.rows(`SELECT n FROM NS.effects WHERE n IN (${good.n}, ${bad.n})`);
      expect(effects).toEqual([{ n: good.n }]);
    },
    3 * WAIT_MS,
  );

  it(
    'are all done once when the leading coordinator and a worker are killed',
    async () => {
      const ids = await submit(40, 300);
      const [leader] = await Promise.all([crew.leader(), inTheMiddle('w2')]);
      await Promise.all(['w2', leader ?? ''].map((id) => crew.system.app(id).kill('SIGKILL')));
      const lost = (await crew.tasks.list({ state: 'assigned', limit: 1_000 })).filter(
        ({ agentId }) => agentId === 'w2',
      );
      expect(lost).not.toHaveLength(0);
      expect(await crew.tasks.list({ state: 'queued' })).not.toHaveLength(0);
      await expectAllDoneOnce(ids);
      expect(await crew.leader()).not.toBe(leader);
      for (const { id, startedAt } of lost) {
        const task = await crew.tasks.find(id);
        // only what it died over counts as a failure
        expect(task).toMatchObject({ agentId: 'w1', attempt: 2, failures: startedAt ? 1 : 0 });
      }
    },
    3 * WAIT_MS,
  );
});
