import { type INestApplicationContext, Module } from '@nestjs/common';
import { Agent, AgentModule, loadSettings, startEmbeddedAgent } from 'agentmq/agent';
import { Consensus, ConsensusModule, COORDINATORS, Tasks, TasksModule } from 'agentmq/coordination';
import { databaseUrl, testBus, until } from '../support/index.js';
import { Deployment, rowsOf } from './deployment.js';

const CREW = 'dist/programs/test/crew.js';
const WAIT_MS = 60_000;

/** A process of the crew, by its id. */
export type Member =
  | { readonly id: string; readonly role: 'coordinator' }
  | { readonly id: string; readonly role: 'worker'; readonly slowness?: number; readonly concurrency?: number };

/** Short times, so that what is gone is soon found to be. */
export const QUICK = {
  REGISTRY_HEARTBEAT_INTERVAL: '1',
  REGISTRY_AGENT_TIMEOUT: '3',
  COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
  COORDINATION_ELECTION_TIMEOUT: '0.5',
};

@Agent({ role: 'boss' })
class Boss {}

/** Coordinators and workers in processes of their own; and one agent in this process, which gives them work. */
export class Crew {
  readonly system = new Deployment();
  private boss: INestApplicationContext | undefined;

  constructor(readonly env: Record<string, string> = QUICK) {}

  /** Resolves when all of them are there, and one leads. */
  async start(members: readonly Member[]): Promise<void> {
    await Promise.all(members.map((member) => this.launch(member)));
    const settings = loadSettings({
      NAMESPACE: this.system.namespace,
      ...testBus.environment(testBus.sharedUrl()),
      DATABASE_URL: databaseUrl(),
      AGENT_ID: 'boss',
      ...this.env,
    });
    @Module({ imports: [AgentModule.forRoot({ settings }), ConsensusModule, TasksModule], controllers: [Boss] })
    class BossModule {}
    this.boss = await startEmbeddedAgent(BossModule, ['error']);
    for (const table of ['effects', 'worked'])
      await this.rows(`CREATE TABLE NS.${table} (n integer, agent text, attempt integer)`);
    await until('a leader', () => this.leader(), WAIT_MS, 50);
  }

  /** Starts one, or starts it again; resolves when its messages flow. */
  async launch(member: Member): Promise<void> {
    const args = member.role === 'worker' ? [`${member.slowness ?? 1}`, `${member.concurrency ?? 4}`] : [];
    await this.system.start(CREW, member.id, this.env, [member.role, ...args]);
    await this.system.app(member.id).ready(WAIT_MS);
  }

  get tasks(): Tasks {
    return this.agent.get(Tasks);
  }

  get consensus(): Consensus {
    return this.agent.get(Consensus);
  }

  /** What gives the work. */
  get agent(): INestApplicationContext {
    if (!this.boss) throw new Error('the crew has not been started');
    return this.boss;
  }

  /** The coordinator that leads, by the record. */
  async leader(): Promise<string | undefined> {
    const sql = `SELECT leader FROM NS.leaderships WHERE group_name = '${COORDINATORS}'`;
    return (await this.rows<{ leader: string }>(sql))[0]?.leader;
  }

  /** `NS` in the statement is the schema. */
  rows<Row>(sql: string): Promise<Row[]> {
    return rowsOf<Row>(this.system, sql);
  }

  async close(): Promise<void> {
    await this.boss?.close();
    await this.system.close();
  }
}
