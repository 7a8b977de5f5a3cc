import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../support/index.js';
import { Writers } from './writers.js';

const WAIT_MS = 60_000;

describe('a leader among five processes', () => {
  // nearly always in a transaction, so that it stands still in one
  const hold = 0.05;
  const writers = new Writers(
    5,
    { COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1', COORDINATION_ELECTION_TIMEOUT: '0.5' },
    hold,
  );

  beforeAll(() => writers.start(), 2 * WAIT_MS);
  afterAll(() => writers.close(), WAIT_MS);

  it(
    'that is killed is followed by another, whose writes come after all of its own',
    async () => {
      const killed = await writers.settled();
      await writers.system.app(killed.agent).kill('SIGKILL');
      const next = await writers.after(killed);
      expect(next.agent).not.toBe(killed.agent);
      expect(await writers.wrong()).toEqual([]);
      await writers.launch(killed.agent);
      // one that comes back deposes nobody
      const { agent, term } = await writers.settled();
      expect([agent, term]).toEqual([next.agent, next.term]);
    },
    2 * WAIT_MS,
  );

  it(
    'that stands still for too long, and then goes on, writes nothing more in its term',
    async () => {
      const stopped = await writers.settled();
      const app = writers.system.app(stopped.agent);
      app.pause();
      const next = await writers.after(stopped);
      const before = (await writers.terms()).find(({ term }) => term === stopped.term);
      app.resume();
      const { refused } = await until(
        'its writers to have given up',
        async () => {
          const told = await writers.tell(stopped.agent);
          return told.state?.term === next.term && !told.writing ? told : undefined;
        },
        WAIT_MS,
        20,
      );
      expect(refused).toBeGreaterThan(0);
      expect((await writers.terms()).find(({ term }) => term === stopped.term)).toEqual(before);
      expect(await writers.wrong()).toEqual([]);
      expect((await writers.settled()).term).toBeGreaterThanOrEqual(next.term);
    },
    2 * WAIT_MS,
  );
});
