import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from 'agentmq/database';
import type { Candidate } from 'agentmq/coordination';
import type { TaskRef } from '../../libs/coordination/src/tasks/store/settled.js';
import { DispatchStore } from '../../libs/coordination/src/tasks/store/dispatch-store.js';
import { plan } from '../../libs/coordination/src/tasks/dispatcher/plan.js';
import { AgentProcess, type Carrier, type Method, newAgentId, type Step } from './process.js';

const CONCURRENCY = 4;
const lost = { name: 'TaskAgentLostError', code: 'TASK_AGENT_LOST', message: 'lost', retryable: true };

/** Agents, and who assigns; everything that happens is one step, taken when it is chosen. The database is real. */
export class World implements Carrier {
  agents: AgentProcess[] = [];
  readonly client: AgentProcess;
  /** Tasks that were cancelled from outside. */
  readonly cancellations = new Set<string>();
  private readonly all: AgentProcess[] = [];
  private readonly dispatch: DispatchStore;
  private steps: Step[] = [];
  /** With nobody to choose, each step is taken at once, and statements meet in the database. */
  isFree = false;

  constructor(
    readonly database: Database,
    private readonly method: Method,
    agents: number,
  ) {
    this.dispatch = new DispatchStore(database);
    this.client = this.start('client');
    for (let n = 0; n < agents; n++) this.agents.push(this.start(newAgentId()));
  }

  add(step: Step): void {
    if (this.isFree && step.owner.state === 'alive') void step.run();
    else this.steps.push(step);
  }

  settled(submitter: string, ids: readonly string[]): void {
    const owner = this.all.findLast(({ id }) => id === submitter);
    if (owner) this.add({ owner, kind: 'notice', run: () => owner.hear('settled', ids) });
  }

  cancelled(ids: readonly string[]): void {
    for (const owner of this.all) {
      if (owner.state !== 'dead') this.add({ owner, kind: 'notice', run: () => owner.hear('cancelled', ids) });
    }
  }

  /** Takes one of the steps that could be taken, of one process or of all. Resolves with whether there was one. */
  async step(choice: number, of?: AgentProcess): Promise<boolean> {
    this.steps = this.steps.filter(({ owner }) => owner.state !== 'dead');
    const possible = this.steps.filter(({ owner }) => owner.state === 'alive' && (!of || owner === of));
    const step = possible[choice % Math.max(1, possible.length)];
    if (!step) return false;
    this.steps.splice(this.steps.indexOf(step), 1);
    await step.run();
    // what follows from it, up to the next statement, message or notice
    for (let n = 0; n < 4; n++) await turn();
    return true;
  }

  /** Whether the next thing that a process changes on record is there, and waits for its step. */
  isAboutToWrite(agent: AgentProcess): boolean {
    return this.steps.some(({ owner, writes }) => owner === agent && writes);
  }

  /** Its process is gone; with `again`, another one takes its place and its id at once. */
  kill(index: number, again: boolean): void {
    const at = index % this.agents.length;
    const dead = this.agents[at] as AgentProcess;
    dead.state = 'dead';
    const next = this.start(again ? dead.id : newAgentId());
    this.agents[at] = next;
    dead.isGone = true;
  }

  /** It stands still, and is given up. Another one comes in its place. */
  pause(index: number): void {
    const at = index % this.agents.length;
    const paused = this.agents[at] as AgentProcess;
    paused.state = 'paused';
    paused.isGone = true;
    this.agents[at] = this.start(newAgentId());
  }

  /** Those that stood still go on, as if nothing had happened. */
  resume(): void {
    for (const agent of this.all) if (agent.state === 'paused') agent.state = 'alive';
    if (this.isFree) for (const step of this.steps.splice(0)) this.add(step);
  }

  /** What an agent sees when it looks whether it still has what it is at work on. */
  look(index: number, ids: readonly string[]): void {
    const owner = this.all[index % this.all.length];
    if (owner && owner.state !== 'dead') this.add({ owner, kind: 'notice', run: () => owner.hear('cancelled', ids) });
  }

  cancel(id: string): void {
    this.cancellations.add(id);
    // the answer tells nothing that the record does not
    this.client.tasks.cancel(id, 'from outside').catch(() => undefined);
  }

  /** What the leader of the coordinators does in one turn. */
  async lead(): Promise<void> {
    // as if the time until they are due had passed
    await this.database.query(
      `UPDATE ${this.table} SET due_at = clock_timestamp() WHERE state = 'queued' AND due_at <> 'infinity'`,
    );
    const { holdings } = await this.dispatch.look(200);
    const gone = holdings.filter(({ instance }) => this.all.find((agent) => agent.instance === instance)?.isGone);
    for (const holding of gone) {
      const { failed } = await this.database.transaction((transaction) =>
        this.dispatch.takeFrom(transaction, holding, { begun: 'counts', lost }),
      );
      for (const { id, submitter } of failed) this.settled(submitter, [id]);
    }
    const ended = await this.database.transaction(async (transaction) => [
      ...(await this.dispatch.endOverdue(transaction, 1_000)),
      ...(await this.dispatch.endOrphans(transaction, 1_000)),
    ]);
    for (const { id, submitter } of ended) this.settled(submitter, [id]);
    if (ended.length > 0) this.cancelled(ended.map(({ id }) => id));
    await this.assign(holdings.filter((holding) => !gone.includes(holding)));
    for (const task of await this.dispatch.unbegun(
      holdings.map(({ instance }) => instance),
      0,
      1_000,
    ))
      this.deliver(task);
  }

  /** What the leader does where there is no place for a part but its whole's: here for any part that waits. */
  async putOff(choice: number): Promise<void> {
    const { queued } = await this.dispatch.look(200);
    const at = choice % Math.max(1, queued.length);
    const partIds = [...queued.slice(at), ...queued.slice(0, at)].map(({ id }) => id);
    const agentIds = this.all.map(({ id }) => id);
    const whole = await this.database.transaction((transaction) =>
      this.dispatch.putOff(transaction, partIds, agentIds),
    );
    if (whole !== undefined) this.cancelled([whole]);
  }

  ids(): Promise<{ id: string; open: boolean }[]> {
    return this.database.query(`SELECT id, finished_at IS NULL AS open FROM ${this.table} ORDER BY id`);
  }

  close(): void {
    for (const agent of this.all) agent.close();
    this.steps = [];
  }

  get table(): string {
    return `"${this.database.schema}".tasks`;
  }

  private start(id: string): AgentProcess {
    const agent = new AgentProcess(id, this, this.method);
    this.all.push(agent);
    return agent;
  }

  private deliver(task: TaskRef & { readonly instance: string }): void {
    this.all.find(({ instance }) => instance === task.instance)?.deliver(task);
  }

  private async assign(holdings: readonly { agentId: string; held: number }[]): Promise<void> {
    const candidates = this.agents.map(({ id, instance }): Candidate => {
      return { id, instance, role: 'node', capabilities: [], load: 0, concurrency: CONCURRENCY, inFlight: 0 };
    });
    const { assignments } = plan({
      queued: (await this.dispatch.look(200)).queued,
      able: () => candidates,
      held: new Map(holdings.map(({ agentId, held }) => [agentId, held])),
      lanes: new Map(),
      room: () => Number.POSITIVE_INFINITY,
      choose: (_, [first, ...others]) => others.reduce((a, b) => (b.inFlight < a.inFlight ? b : a), first),
    });
    if (assignments.length === 0) return;
    const assigned = await this.dispatch.assign(
      ({ sql }, parameters) =>
        this.database.query(
          sql(() => 'SELECT'),
          parameters,
        ),
      assignments,
    );
    for (const task of assigned) this.deliver(task);
  }
}
