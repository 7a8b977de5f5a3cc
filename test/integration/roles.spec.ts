import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplicationContext } from '@nestjs/common';
import { Agent, AgentClient, AgentRegistry, Ctx, EveryRole, Handle, MessageContext, Subscribe } from 'agentmq/agent';
import { CoordinatorsModule, Task, Tasks, TasksModule } from 'agentmq/coordination';
import { Health } from 'agentmq/telemetry';
import { Contract } from 'agentmq/protocol';
import { IsInt } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

class Numbered {
  @IsInt()
  n!: number;
}
@Contract({ type: 'bill' })
class Bill extends Numbered {}
@Contract({ type: 'invoice' })
class Invoice extends Numbered {}
@Contract({ type: 'remind' })
class Remind extends Numbered {}
@Contract({ type: 'day_ended' })
class DayEnded extends Numbered {}
@Contract({ type: 'who_am_i' })
class WhoAmI extends Numbered {}
@Contract({ type: 'print_invoice' })
class PrintInvoice extends Numbered {}

describe('an app of several roles', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  const handled: string[] = [];
  let office: INestApplicationContext;
  let client: AgentClient;

  @Agent({ role: 'billing', capabilities: ['money'], concurrency: 4 })
  class Billing {
    @Handle(Bill)
    bill({ n }: Bill): void {
      handled.push(`bill ${n}`);
    }

    @Subscribe('days.#', DayEnded)
    close({ n }: DayEnded, @Ctx() { consumer }: MessageContext): void {
      handled.push(`day ${n} for ${consumer}`);
    }
  }

  @Agent({ role: 'invoicing', concurrency: 2 })
  class Invoicing {
    @Handle(Invoice)
    invoice({ n }: Invoice): number {
      return n;
    }

    @Subscribe('days.*', DayEnded)
    close({ n }: DayEnded, @Ctx() { consumer }: MessageContext): void {
      handled.push(`day ${n} for ${consumer}`);
    }

    @Task(PrintInvoice)
    print({ n }: PrintInvoice): string {
      return `invoice ${n}`;
    }
  }

  @EveryRole()
  class Common {
    @Handle(WhoAmI)
    tell(_: WhoAmI, @Ctx() { consumer }: MessageContext): string {
      return consumer;
    }
  }

  /** An older instance of one of the roles: it handles less, and declares no other. */
  @Agent({ role: 'billing' })
  class OldBilling {
    @Handle(Remind)
    remind({ n }: Remind): void {
      handled.push(`old reminder ${n}`);
    }
  }

  beforeAll(async () => {
    office = await system.start({
      id: 'office-1',
      controllers: [Billing, Invoicing, Common],
      imports: [TasksModule, CoordinatorsModule],
    });
    client = office.get(AgentClient);
  });
  afterAll(() => system.close());

  it('is one agent, which is found by each of them, and for each as what it does for that', async () => {
    const registry = office.get(AgentRegistry);
    const both = { id: 'office-1', role: 'billing', roles: ['billing', 'invoicing'], concurrency: 4 };
    for (const role of both.roles) expect(registry.find({ role })).toMatchObject([both]);
    const handles = { type: 'print_invoice', version: 1, task: true } as const;
    expect(registry.find({ role: 'invoicing', handles, capability: 'print_*' })).toHaveLength(1);
    expect(registry.find({ role: 'billing', handles })).toEqual([]);
    expect(registry.find({ role: 'billing', capability: 'print_*' })).toEqual([]);
    expect(registry.find({ role: 'billing', capability: 'money' })).toHaveLength(1);
    const { body } = await office.get(Health, { strict: false }).all();
    expect(body).toMatchObject({ info: { agent: { id: 'office-1', roles: both.roles } } });
  });

  it("gets each role's messages, and handles them as that role's", async () => {
    expect(await client.request({ role: 'invoicing' }, Invoice, { n: 1 })).toBe(1);
    expect(await client.request({ agent: 'office-1' }, Invoice, { n: 2 })).toBe(2);
    for (const role of ['billing', 'invoicing'])
      expect(await client.request({ role }, WhoAmI, { n: 0 })).toBe(`role.${role}`);
    const stray = client.request({ role: 'billing' }, Invoice, { n: 3 });
    await expect(stray).rejects.toMatchObject({ remote: { code: 'UNKNOWN_TYPE' } });
    await client.publish('days.monday', DayEnded, { n: 4 });
    await until('both to close the day', () => handled.length === 2);
    expect(handled.splice(0).sort()).toEqual(['day 4 for role.billing', 'day 4 for role.invoicing']);
  });

  it('gets the tasks of each of its roles', async () => {
    const tasks = office.get(Tasks);
    const id = await tasks.submit(PrintInvoice, { n: 5 }, { to: { role: 'invoicing' } });
    expect(await tasks.result(id)).toBe('invoice 5');
  });

  it('waits for a handler of the role that it was sent to, and goes to an instance that has one', async () => {
    await client.send({ role: 'billing' }, Invoice, { n: 6 });
    const waiting = async () =>
      (await system.store.unhandled.waiting(['role.billing', 'role.invoicing'])).map(({ consumer, type }) => [
        consumer,
        type,
      ]);
    await until('it waits', async () => (await waiting()).length > 0);
    expect(await waiting()).toEqual([['role.billing', 'invoice']]);

    const old = await system.start({ id: 'billing-1', controllers: [OldBilling] });
    // each instance of the role gets some, whichever can handle them
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        Promise.all([client.send({ role: 'billing' }, Bill, { n }), client.send({ role: 'billing' }, Remind, { n })]),
      ),
    );
    await until('all to be handled', () => handled.length === 40);
    expect(new Set(handled.splice(0)).size).toBe(40);
    await old.close();
  });

  @Agent({ role: 'invoicing' })
  class SecondBilling {
    @Handle(Bill)
    bill(): void {}
  }

  @Controller()
  class NoAgent {
    @Handle(Remind)
    remind(): void {}
  }

  it.each([
    [SecondBilling, 'DUPLICATE_HANDLER', /"handle bill@1".* Billing and SecondBilling/],
    [NoAgent, 'AGENT_DECLARATION', /NoAgent declares "handle remind@1"/],
  ])('does not start with %p beside another', async (second, code, message) => {
    const started = system.start({ id: 'office-2', controllers: [Billing, second] });
    await expect(started).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
