import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Agent, AgentClient, Handle } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { Health } from 'agentmq/telemetry';
import { IsInt } from 'class-validator';
import pg from 'pg';
import { type OwnBroker, type PostgresServer, testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'checked' })
class Checked {
  @IsInt()
  n!: number;
}

@Agent({ role: 'checked' })
class CheckedAgent {
  @Handle(Checked)
  handle(): void {}
}

/** As `/health/ready` tells it. */
interface Indicator {
  readonly status: string;
  readonly faults?: readonly { readonly fault: string; readonly reason: string; readonly since: string }[];
  readonly last_seen?: string;
}

/** Resolves with how to end the fault. */
type Fault = (agent: INestApplicationContext) => Promise<() => Promise<unknown>>;

const LIMIT = 3;

/** Each fault is made for real, at servers that may be broken: readiness tells it, and that it is gone. */
export function healthCases(servers: () => { readonly broker: OwnBroker; readonly postgres: PostgresServer }): void {
  let system: TestSystem;
  let client: pg.Client;
  beforeAll(async () => {
    const { broker, postgres } = servers();
    system = new TestSystem({
      ...testBus.environment(broker.url),
      DATABASE_URL: postgres.url,
      REGISTRY_HEARTBEAT_INTERVAL: '1',
      REGISTRY_AGENT_TIMEOUT: '2',
      MONITOR_BEHIND: '2',
      MESSAGE_STORE_REPLAY_INTERVAL: '1',
      MESSAGE_STORE_OUTBOX_LIMIT: String(LIMIT),
    });
    client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await system.close();
  });

  const inbox = () => ({ url: servers().broker.url, namespace: system.namespace, consumer: 'role.checked' });
  const sql = (text: string): Promise<pg.QueryResult> => client.query(text.replaceAll('$.', `${system.namespace}.`));

  /** Messages that no relay can take: another session has locked their entries, as an operator's open transaction may. */
  const lockedEntries =
    (count: number): Fault =>
    async (agent) => {
      for (let n = 0; n < count; n++)
        await agent.get(AgentClient).send({ role: 'checked' }, Checked, { n }, { delay: 1_000 });
      await sql('BEGIN');
      await sql('SELECT FROM $.outbox FOR UPDATE');
      return () => sql('ROLLBACK');
    };

  const failingHeartbeats: Fault = async () => {
    await sql(
      `CREATE FUNCTION $.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no heartbeats today''; END'`,
    );
    await sql(`CREATE TRIGGER refuse BEFORE UPDATE ON $.agents FOR EACH ROW
               WHEN (NEW.sequence <> OLD.sequence) EXECUTE FUNCTION $.refuse()`);
    return () => sql('DROP FUNCTION $.refuse CASCADE');
  };

  const readOnly: Fault = async () => {
    const to = (value: string): Promise<unknown> =>
      sql(`ALTER SYSTEM SET default_transaction_read_only = ${value}`).then(() => sql('SELECT pg_reload_conf()'));
    await to('on');
    return async () => {
      await sql('SET default_transaction_read_only = off');
      await to('off');
    };
  };

  const withoutRights: Fault = async () => {
    const quota = `CREATE FUNCTION $.full() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''disk full'' USING ERRCODE = ''53100''; END'`;
    await sql(quota);
    await sql('CREATE TRIGGER full_disk BEFORE UPDATE ON $.agents FOR EACH STATEMENT EXECUTE FUNCTION $.full()');
    return () => sql('DROP FUNCTION $.full CASCADE');
  };

  const { unbind } = testBus;
  const blocked: Fault = async (agent) => {
    await servers().broker.exhaustMemory();
    // RabbitMQ blocks a connection that publishes.
    void agent.get(AgentClient).send({ role: 'checked' }, Checked, { n: 0 });
    return () => servers().broker.relieveMemory();
  };

  it.each<[string, string, RegExp, Fault]>([
    ['consumer_lost', 'message_bus', /role\.checked: /, () => testBus.occupy(inbox())],
    ...(unbind
      ? [
          ['binding_missing', 'message_bus', /exists with another type/, () => unbind(inbox())] as [
            string,
            string,
            RegExp,
            Fault,
          ],
        ]
      : []),
    ['blocked', 'message_bus', /takes no publications/, blocked],
    ['outbox_stuck', 'message_store', /messages have not gone out/, lockedEntries(1)],
    ['outbox_full', 'message_store', /no more are taken/, lockedEntries(LIMIT)],
    ['registry_stale', 'registry', /no heartbeats today/, failingHeartbeats],
    ['database_refuses_writes', 'message_store', /read-only transaction/, readOnly],
    ['database_refuses_writes', 'message_store', /disk full/, withoutRights],
  ])(
    '%s is told by %s until it is over: %s',
    async (fault, name, reason, make) => {
      const agent = await system.start({ id: `checked-${fault}`, controllers: [CheckedAgent] });
      const look = async (): Promise<[number, Indicator | undefined]> => {
        const { status, body } = await agent.get(Health).ready();
        return [status, (body as { readonly details: Readonly<Record<string, Indicator>> }).details[name]];
      };
      await until('it is ready', async () => (await look())[0] === 200);
      const end = await make(agent);
      const notReady = async () => {
        const [status, found] = await look();
        if (status !== 503 || found?.status !== 'down') return undefined;
        return found.faults?.find((each) => each.fault === fault);
      };
      const told = await until('it is not ready', notReady, 20_000).catch(async (error: unknown) => {
        await end();
        throw error;
      });
      expect(told.reason).toMatch(reason);
      const healing = async () => (await look())[1]?.last_seen ?? (await look())[0] === 200;
      // it is looked at meanwhile: what ended longer ago than it takes to heal is not told
      const [gone] = await Promise.all([until('it is over', healing, 30_000), end()]);
      expect(gone).toEqual(expect.any(String));
      await agent.close();
    },
    60_000,
  );
}
