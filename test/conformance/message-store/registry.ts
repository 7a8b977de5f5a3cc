import { beforeEach, describe, expect, it } from '@jest/globals';
import type { AgentRegistration } from 'agentmq/message-store';
import { type Harness, wipe } from './harness.js';

const agent = (fields: Partial<AgentRegistration> = {}): AgentRegistration => ({
  id: 'worker-1',
  role: 'worker',
  capabilities: ['work', 'nlp_"odd",{}'],
  instance: 'i-1',
  version: '1.0.0',
  ...fields,
});

/** The agents. */
export function registry(of: () => Harness): void {
  describe('agents', () => {
    beforeEach(() => wipe(of().store));

    it('registers, lists, and takes heartbeats', async () => {
      const { store } = of();
      const record = await store.registerAgent(agent());
      expect(record).toEqual({
        ...agent(),
        load: 0,
        inFlight: 0,
        health: 'healthy',
        registeredAt: expect.any(Date),
        heartbeatAt: expect.any(Date),
      });
      expect(await store.agents()).toEqual([record]);
      expect(await store.heartbeat({ id: 'worker-1', instance: 'i-1', load: 0.25, inFlight: 3 })).toBe(true);
      const [beaten] = await store.agents();
      expect(beaten).toMatchObject({ load: 0.25, inFlight: 3, registeredAt: record.registeredAt });
      expect(beaten?.heartbeatAt.getTime()).toBeGreaterThanOrEqual(record.heartbeatAt.getTime());
    });

    it('replaces an instance, which can then neither beat nor deregister', async () => {
      const { store } = of();
      await store.registerAgent(agent());
      await store.heartbeat({ id: 'worker-1', instance: 'i-1', load: 1, inFlight: 9 });
      await store.registerAgent(agent({ instance: 'i-2', capabilities: [] }));
      expect(await store.heartbeat({ id: 'worker-1', instance: 'i-1', load: 1, inFlight: 1 })).toBe(false);
      await store.deregisterAgent({ id: 'worker-1', instance: 'i-1' });
      expect(await store.agents()).toMatchObject([{ instance: 'i-2', capabilities: [], load: 0, health: 'healthy' }]);
    });

    it('deregisters; a late heartbeat does not bring the agent back, a registration does', async () => {
      const { store } = of();
      await store.registerAgent(agent());
      await store.deregisterAgent({ id: 'worker-1', instance: 'i-1' });
      expect(await store.heartbeat({ id: 'worker-1', instance: 'i-1', load: 0, inFlight: 0 })).toBe(false);
      expect(await store.agents()).toMatchObject([{ health: 'stopped' }]);
      await store.registerAgent(agent());
      expect(await store.agents()).toMatchObject([{ health: 'healthy' }]);
    });

    it('does not know a heartbeat from nobody', async () => {
      expect(await of().store.heartbeat({ id: 'ghost', instance: 'x', load: 0, inFlight: 0 })).toBe(false);
    });

    it('tells each silent agent to one of many monitors, and a heartbeat makes it healthy again', async () => {
      const { store, others } = of();
      const ids = Array.from({ length: 20 }, (_, n) => `worker-${n + 10}`);
      for (const id of ids) await store.registerAgent(agent({ id }));
      await store.registerAgent(agent({ id: 'gone' }));
      await store.deregisterAgent({ id: 'gone', instance: 'i-1' });
      expect(await store.markUnhealthy(60_000)).toEqual([]);
      const told: string[] = [];
      const watch = async (): Promise<void> => {
        const silent = await Promise.all(others.map((monitor) => monitor.markUnhealthy(-60_000)));
        told.push(...silent.flat().map(({ id }) => id));
      };
      await watch();
      await watch();
      expect(told.sort()).toEqual(ids);
      expect(await store.heartbeat({ id: ids[0] ?? '', instance: 'i-1', load: 0, inFlight: 0 })).toBe(true);
      const health = (await store.agents()).map((record) => record.health);
      expect(health).toEqual(['stopped', 'healthy', ...ids.slice(1).map(() => 'unhealthy')]);
    });
  });
}
