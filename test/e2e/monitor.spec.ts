import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, Handle, loadSettings, startEmbeddedAgent } from 'agentmq/agent';
import { AgentRecovered, AgentUnhealthy } from 'agentmq/agent';
import { amqpUrl, databaseUrl, until } from '../support/index.js';
import { CallOut, Faint } from './apps/ward-contracts.js';
import { ask, Deployment, metric, rowsOf } from './deployment.js';

const WARD = 'dist/programs/test/ward.js';
/** Of three, two elect the next leader at once. */
const MONITORS = ['monitor-1', 'monitor-2', 'monitor-3'];
const PATIENTS = ['hangs', 'calls', 'dies', 'pauses'];
const WAIT_MS = 60_000;
const QUICK = {
  REGISTRY_HEARTBEAT_INTERVAL: '1',
  REGISTRY_AGENT_TIMEOUT: '5',
  COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
  COORDINATION_ELECTION_TIMEOUT: '0.5',
  MONITOR_INTERVAL: '0.5',
  MONITOR_PROBE_TIMEOUT: '2',
  MONITOR_BEHIND: '2',
};

describe('monitors', () => {
  const system = new Deployment();
  /** `agent: reasons`, and `agent: healthy` or `left`, as they were heard. */
  const heard: string[] = [];
  let nurse: INestApplicationContext;
  let doctor: INestApplicationContext | undefined;

  @Agent({ role: 'nurse' })
  class Nurse {
    @Handle(AgentUnhealthy)
    unhealthy({ agent, reasons }: AgentUnhealthy): void {
      heard.push(`${agent}: ${reasons.join(' ')}`);
    }

    @Handle(AgentRecovered)
    recovered({ agent, outcome }: AgentRecovered): void {
      heard.push(`${agent}: ${outcome}`);
    }
  }

  @Agent({ role: 'doctor' })
  class Doctor {
    @Handle(Faint)
    help(): void {}
  }

  /** Starts an agent in this process. */
  const embed = (id: string, controller: Type): Promise<INestApplicationContext> => {
    const variables = { NAMESPACE: system.namespace, AMQP_URL: amqpUrl(), DATABASE_URL: databaseUrl() };
    const settings = loadSettings({ ...variables, ...QUICK, AGENT_ID: id });
    @Module({ imports: [AgentModule.forRoot({ settings })], controllers: [controller] })
    class EmbeddedModule {}
    return startEmbeddedAgent(EmbeddedModule, ['error']);
  };
  const launch = async (app: string, id: string): Promise<void> => {
    await system.start(app, id, QUICK);
    await system.app(id).ready(WAIT_MS);
  };
  const checksOf = async (id: string): Promise<{ leader?: string; checked_at?: string; unhealthy?: object[] }> =>
    ((await ask(system.app(id), '/health')).body['details'] as Record<string, object>)['unhealthy_agents'] ?? {};
  /** Resolves with the monitor that leads, once it has checked all. */
  const leader = (ids = MONITORS): Promise<string> =>
    until(
      'a monitor that checks',
      async () => {
        const told = await Promise.all(ids.map(async (id) => ({ id, ...(await checksOf(id)) })));
        return told.find(({ checked_at }) => typeof checked_at === 'string')?.id;
      },
      WAIT_MS,
      100,
    );
  /** What was heard of an agent. */
  const about = (agent: string): string[] =>
    heard.filter((line) => line.startsWith(`${agent}: `)).map((line) => line.slice(agent.length + 2));
  /** Resolves when it was told of an agent with this reason among others, or with this outcome. */
  const toBeHeard = (agent: string, what: string): Promise<boolean> =>
    until(`${agent}: ${what}`, () => about(agent).some((line) => line.split(' ').includes(what)), WAIT_MS, 50);

  beforeAll(async () => {
    await Promise.all([...MONITORS.map((id) => launch('monitor', id)), ...PATIENTS.map((id) => launch(WARD, id))]);
    nurse = await embed('nurse', Nurse);
    await leader();
  }, 2 * WAIT_MS);

  afterAll(async () => {
    await Promise.all([nurse?.close(), doctor?.close()]);
    await system.close();
  }, WAIT_MS);

  it(
    'tell of agents that hang, are killed or paused, or get nothing sent, and of their recovery: each change once',
    async () => {
      const client = nurse.get(AgentClient);
      const led = await leader();
      // Both places of its own inbox, while it beats.
      for (let n = 0; n < 2; n++) await client.send({ agent: 'hangs' }, Faint, {});
      await client.send({ agent: 'calls' }, CallOut, { role: 'doctor' });
      await system.app('dies').kill('SIGKILL');
      system.app('pauses').pause();
      await toBeHeard('hangs', 'not_answering');
      // A leader that stands still, and goes on when another leads, tells nothing more.
      system.app(led).pause();
      const next = await leader(MONITORS.filter((id) => id !== led));
      await toBeHeard('calls', 'outbox_stuck');
      for (const id of ['dies', 'pauses', led]) await toBeHeard(id, 'dead');
      system.app(led).resume();
      expect((await ask(system.app(next), '/health')).status).toBe(200);
      expect((await checksOf(led)).unhealthy).toEqual(
        expect.arrayContaining([expect.objectContaining({ agent: 'dies', reasons: ['dead'], role: 'patient' })]),
      );
      expect(await metric(system.app(next), 'agentmq_agent_healthy{agent="dies"}')).toBe(0);
      expect(await metric(system.app(next), 'agentmq_agent_healthy{agent="nurse"}')).toBe(1);

      system.app('pauses').resume();
      await ask(system.app('hangs'), '/wake');
      doctor = await embed('doctor', Doctor);
      await launch(WARD, 'dies');
      for (const id of [...PATIENTS, led]) await toBeHeard(id, 'healthy');
      await system.app('hangs').kill('SIGTERM');
      await until('no condition', async () => (await rowsOf(system, 'SELECT FROM NS.agent_conditions')).length === 0);
      const told = await rowsOf<{ count: number }>(
        system,
        `SELECT count(*)::int FROM NS.messages WHERE type IN ('agent_unhealthy', 'agent_recovered')`,
      );
      expect(told[0]?.count).toBe(heard.length);
      expect(about('nurse')).toEqual([]);
      expect(about(next)).toEqual([]);
      expect(about('hangs')).toEqual(['not_answering', 'healthy']);
      expect(about('calls')).toEqual(['outbox_stuck', 'healthy']);
      for (const id of [...PATIENTS, led]) {
        const lines = about(id);
        lines.slice(1).forEach((line, n) => expect(line).not.toBe(lines[n]));
        expect(lines.filter((line) => line === 'healthy').length).toBeLessThanOrEqual(1);
      }
    },
    2 * WAIT_MS,
  );
});
