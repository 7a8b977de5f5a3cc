import { expect, it } from '@jest/globals';
import { toRole } from 'agentmq/protocol';
import { Topology } from '../../topology.js';
import type { Connection } from '../connection/connection.js';
import { InboxPlan } from './consume-plans.js';
import { settingsOf } from '../options.js';
import { Remarks } from '../../server/remarks.js';

it('what is not to be bound is asked for once a lane, however often it was said while that failed', async () => {
  const unbound: unknown[] = [];
  let away = true;
  const done = () => (away ? Promise.reject(new Error('away')) : Promise.resolve());
  const channel = {
    assertExchange: done,
    assertQueue: done,
    bindQueue: done,
    unbindQueue: (...binding: unknown[]) => done().then(() => unbound.push(binding)),
  };
  const connection = { withChannel: (use: (given: unknown) => unknown) => use(channel) } as unknown as Connection;
  const owner = { ...toRole('a'), kind: 'role' as const };
  const settings = settingsOf({ url: 'amqp://localhost', namespace: 'n' });
  const plan = new InboxPlan({ owner, topics: [] }, 10, new Topology('n'), settings, new Remarks(() => undefined));
  for (let i = 0; i < 3; i++) {
    plan.setTopics({ topics: [], dropped: ['t.*', 'u'] });
    await expect(plan.mend(connection)).rejects.toThrow('away');
  }
  away = false;
  await plan.mend(connection);
  await plan.mend(connection);
  expect(unbound).toHaveLength(4);
});
