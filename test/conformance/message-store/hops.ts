import { beforeEach, describe, expect, it } from '@jest/globals';
import { type HopRecord } from 'agentmq/message-store';
import { InvalidSelectionError } from 'agentmq/database';
import { type Harness, wipe } from './harness.js';

const HOUR_MS = 3_600_000;

const hop = (traceId: string, messageId: string, more: Partial<HopRecord> = {}): HopRecord => ({
  traceId,
  messageId,
  side: 'sent',
  agentId: 'a-1',
  attempt: 1,
  beganAt: new Date(1_000),
  endedAt: new Date(2_000),
  outcome: 'published',
  ...more,
});

/** recordHops, hops, hopTrace, forgetHops. */
export function hops(of: () => Harness): void {
  describe('hops', () => {
    beforeEach(() => wipe(of().store));

    it('are read by trace as they were recorded, and found by message', async () => {
      const { store } = of();
      const about = { kind: 'reply', type: 't', sender: 'b', recipient: 'agent.a', causationId: 'm1' };
      const error = { name: 'Error', code: 'HANDLER_FAILED' };
      const recorded = [
        hop('t1', 'm1'),
        hop('t1', 'm2', { side: 'received', consumer: 'role.b', attempt: 2, outcome: 'failed', error, about }),
      ];
      await store.hops.record([...recorded, hop('t2', 'm3')]);
      expect(await store.hops.read('t1', 10)).toEqual(recorded);
      expect(await store.hops.read('t1', 1)).toEqual(recorded.slice(0, 1));
      expect(await store.hops.traceOf('m3')).toBe('t2');
      expect([await store.hops.read('t3', 10), await store.hops.traceOf('m4')]).toEqual([[], undefined]);
    });

    it('of foreign messages may have any texts', async () => {
      const { store } = of();
      await store.hops.record([hop('t1', 'odd\0id', { agentId: '\ud800' })]);
      expect(await store.hops.read('t1', 10)).toMatchObject([{ messageId: 'odd\ufffdid', agentId: '\ufffd' }]);
      expect(await store.hops.traceOf('odd\0id')).toBe('t1');
    });

    it('are forgotten when they are old, the oldest first', async () => {
      const { store } = of();
      await store.hops.record(['m1', 'm2', 'm3'].map((messageId) => hop('t1', messageId)));
      await store.database.query(
        `UPDATE "${store.database.schema}".hops SET recorded_at = now() - interval '2 hours' WHERE message_id <> 'm3'`,
      );
      expect(await store.hops.forget(3 * HOUR_MS, 10)).toBe(0);
      expect(await store.hops.forget(HOUR_MS, 1)).toBe(1);
      expect(await store.hops.forget(HOUR_MS, 10)).toBe(1);
      expect((await store.hops.read('t1', 10)).map(({ messageId }) => messageId)).toEqual(['m3']);
      await expect(store.hops.forget(-1, 10)).rejects.toBeInstanceOf(InvalidSelectionError);
    });
  });
}
