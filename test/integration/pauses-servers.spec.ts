import { describe, expect, it } from '@jest/globals';
import { Agent, AgentClient, AgentPauses, Handle, PAUSES_TOPIC, PAUSES_TTL_MS, PausesChanged } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { MessageBus } from 'agentmq/messaging';
import { Audit, Pauses } from 'agentmq/operations';
import { IsInt } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'parcel' })
class Parcel {
  @IsInt()
  n!: number;
}

@Agent({ role: 'sender' })
class Sender {}

describe('a pause over a server', () => {
  it.each(['rabbitmq', 'redis'])(
    'holds for an agent that starts in it, and ends at once, with nothing lost: %s',
    async (bus) => {
      const done: number[] = [];
      let letGo = (): void => undefined;

      @Agent({ role: 'porter', concurrency: 2 })
      class Porter {
        @Handle(Parcel)
        async parcel({ n }: Parcel): Promise<void> {
          if (n === 0) await new Promise<void>((resolve) => (letGo = resolve));
          done.push(n);
        }
      }

      const system = new TestSystem({ MESSAGE_BUS_TYPE: bus });
      const sender = await system.start({ id: 'sender-1', controllers: [Sender] });
      const porter = await system.start({ id: 'porter-1', controllers: [Porter] });
      const tell = (target: string): void =>
        sender.get(MessageBus).announce(PAUSES_TOPIC, PausesChanged, { target }, { ttl: PAUSES_TTL_MS });
      const pauses = new Pauses(system.store, new Audit(system.store.database), tell);
      const ann = { name: 'ann', via: 'cli' } as const;
      const send = (n: number) => sender.get(AgentClient).send({ role: 'porter' }, Parcel, { n });

      await send(0);
      await until('it to be begun', () => porter.get(MessageBus).inFlight === 1);
      await pauses.pause(ann, 'role.porter', 'a test');
      await until('the agent to keep to it', () => porter.get(AgentPauses).current.length === 1);
      const late = await system.start({ id: 'porter-2', controllers: [Porter] });
      for (const n of [1, 2, 3, 4]) await send(n);
      await until(
        'all to wait at the broker',
        async () => ((await late.get(MessageBus).waiting({ kind: 'role', name: 'porter' })) ?? 0) >= 4,
      );
      letGo();
      await until('what was in hand', () => done.length > 0);
      expect(done).toEqual([0]);

      await pauses.resume(ann, 'role.porter');
      await until('the others', async () => (await system.store.history.counts()).deliveries.completed === 5);
      expect(done.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
      await system.close();
    },
    60_000,
  );
});
