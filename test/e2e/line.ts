import { type INestApplicationContext, Module } from '@nestjs/common';
import { Agent, AgentModule, loadSettings, startEmbeddedAgent } from 'agentmq/agent';
import { COORDINATORS, Pipelines, PipelinesModule, type PipelineStage } from 'agentmq/coordination';
import { databaseUrl, testBus, until } from '../support/index.js';
import { Analyse, Clean, Parse, Report } from './apps/line-contracts.js';
import { QUICK } from './crew.js';
import { Deployment, rowsOf } from './deployment.js';

const LINE = 'dist/programs/test/line.js';
const WAIT_MS = 60_000;

export const STAGES: readonly PipelineStage[] = [
  { name: 'parse', contract: Parse, to: { role: 'desk' } },
  { name: 'clean', contract: Clean, to: { capability: 'cleaning' } },
  { name: 'analyse', contract: Analyse, to: { capability: 'analysis' } },
  { name: 'report', contract: Report, to: { role: 'desk' } },
];

/** A process of the line: `coordinator-1`, `desk-1`, `worker-2`. */
export type StationId = `${'coordinator' | 'desk' | 'worker'}-${number}`;

/** The processes that do the stages of a pipeline; and one agent in this process, which starts its runs. */
export class Line {
  readonly system = new Deployment();
  private boss: INestApplicationContext | undefined;

  /** `concurrency`: how much each of them does at once. */
  constructor(private readonly concurrency = 4) {}

  /** Resolves when all of them are there, and one leads. */
  async start(ids: readonly StationId[]): Promise<void> {
    await this.launch(ids);
    const settings = loadSettings({
      NAMESPACE: this.system.namespace,
      ...testBus.environment(testBus.sharedUrl()),
      DATABASE_URL: databaseUrl(),
      AGENT_ID: 'boss',
      ...QUICK,
    });
    @Agent({ role: 'boss' })
    class Boss {}
    @Module({ imports: [AgentModule.forRoot({ settings }), PipelinesModule], controllers: [Boss] })
    class BossModule {}
    this.boss = await startEmbeddedAgent(BossModule, ['error']);
    await this.rows('CREATE TABLE NS.effects (n integer, stage text, agent text, attempt integer)');
    await until('a leader', () => this.leader(), WAIT_MS, 50);
  }

  /** Starts them, or starts them again; resolves when their messages flow. */
  async launch(ids: readonly StationId[]): Promise<void> {
    const launch = async (id: StationId): Promise<void> => {
      const [role = ''] = id.split('-');
      await this.system.start(LINE, id, QUICK, [role, `${this.concurrency}`]);
      await this.system.app(id).ready(WAIT_MS);
    };
    await Promise.all(ids.map(launch));
  }

  async kill(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.system.app(id).kill('SIGKILL')));
  }

  get pipelines(): Pipelines {
    return this.agent.get(Pipelines);
  }

  /** What starts the runs. */
  get agent(): INestApplicationContext {
    if (!this.boss) throw new Error('the line has not been started');
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
