import { Injectable, Logger } from '@nestjs/common';
import { AgentIdentity, AgentRegistry, AgentSettings, type RegisteredAgent } from 'agentmq/agent';
import { errorText } from 'agentmq/protocol';
import { LONGEST_TIMER_MS, pause } from 'agentmq/time';
import { Metrics } from 'agentmq/telemetry';
import { Coordinators } from '../coordinators/coordinators.js';
import type { LeaderDuty } from '../coordinators/leader-duty.js';
import type { Leadership } from '../election/election-group.js';
import { DeposedError } from '../election/errors.js';
import { BacklogSource } from './backlog-source.js';
import { WorkerStartError } from './errors.js';
import { type Overdue, RoleScaling, type ScalingDecision, type Starting } from './role-scaling.js';
import { ScalingMetrics } from './scaling-metrics.js';
import { Spawner, type StartedWorker } from './spawner.js';
import { StartFailures } from './start-failures.js';

/** Starts and stops workers of the roles of `SCALING`, as their backlogs warrant. A duty of the leader of the coordinators. */
@Injectable()
export class Scaler implements LeaderDuty {
  readonly name = 'scaler';
  private readonly logger = new Logger('Scaler');
  private readonly metrics: ScalingMetrics;

  constructor(
    private readonly settings: AgentSettings,
    private readonly identity: AgentIdentity,
    private readonly registry: AgentRegistry,
    private readonly backlog: BacklogSource,
    private readonly spawner: Spawner,
    metrics: Metrics,
    coordinators: Coordinators,
  ) {
    coordinators.add(this);
    this.metrics = new ScalingMetrics(metrics);
  }

  /** Resolves when the leadership has ended. It knows of nothing but what the registry says: so the next leader goes on. */
  async run(leadership: Leadership): Promise<void> {
    const { roles, interval, ...rest } = this.settings.scaling;
    const all = roles.map(({ role, ...rule }) => new RoleDuty(role, new RoleScaling({ ...rule, ...rest })));
    try {
      while (!leadership.signal.aborted) {
        await Promise.all(all.map((duty) => this.tend(duty, leadership)));
        // with nothing to scale it is woken by the end alone
        await pause(all.length > 0 ? interval : LONGEST_TIMER_MS, leadership.signal);
      }
    } finally {
      for (const { role } of all) this.metrics.notScaled(role);
    }
  }

  private async tend(duty: RoleDuty, leadership: Leadership): Promise<void> {
    try {
      await this.look(duty, leadership);
      duty.failed = 0;
    } catch (error) {
      if (leadership.signal.aborted || error instanceof DeposedError) return;
      const problem = errorText(error);
      // one that passes is not worth a warning, and one that lasts is worth one
      if (++duty.failed === 2) this.logger.warn(problem);
      else this.logger.debug(problem);
    }
  }

  private async look(duty: RoleDuty, leadership: Leadership): Promise<void> {
    const { role, scaling, overdue, failures } = duty;
    const backlog = await this.backlog.of(role);
    // One that is suspect may be back in a moment: only the dead are replaced.
    const workers = this.registry.find({ role, health: ['healthy', 'suspect'] });
    const decision = scaling.look(performance.now(), { backlog, workers: workers.map(({ instance }) => instance) });
    const { start, stop, desired } = decision;
    const healthy = workers.filter(({ health }) => health === 'healthy').length;
    this.metrics.scaled(role, { backlog, workers: healthy, desired });
    if (decision.arrived) failures.reset();
    overdue.push(...decision.overdue);
    const asked = workers.filter(({ instance }) => scaling.isStopping(instance));
    if (start + stop + asked.length + overdue.length === 0) return;
    // One that was paused may not know yet that another leads.
    await leadership.fence(() => Promise.resolve());
    for (const late of overdue.splice(0)) this.giveUp(duty, late);
    for (const agent of asked) await this.spawner.stop(agent, REASON);
    if (start > 0) await this.start(duty, decision, backlog, leadership.signal);
    if (stop > 0) await this.stop(role, scaling, decision, workers, backlog, leadership.signal);
  }

  private async start(
    duty: RoleDuty,
    { start, staying, starting }: ScalingDecision,
    backlog: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { role } = duty;
    for (let n = 0; n < start && !signal.aborted; n++) {
      // a worker that was just started may have failed already
      if (duty.failures.waitFrom(performance.now()) > 0) return;
      if (!(await this.startOne(duty, signal))) return;
      if (n === 0)
        this.logger.log(`${role}: a backlog of ${backlog} for ${staying + starting} workers: starts ${start}`);
    }
  }

  /** False when it could not be begun. */
  private async startOne(duty: RoleDuty, signal: AbortSignal): Promise<boolean> {
    const { role, scaling, started } = duty;
    const since = performance.now();
    try {
      const worker = await this.spawner.start(role);
      const ticket = scaling.started(performance.now());
      started.set(ticket, worker);
      void worker.ended.then((how) => {
        scaling.failed(ticket);
        const isLate = performance.now() - since >= scaling.rule.startTimeout;
        if (isLate || signal.aborted) this.logger.warn(`${role}: ${how}`);
        else this.noteFailure(duty, since, how);
      });
      return true;
    } catch (error) {
      this.noteFailure(duty, since, error instanceof WorkerStartError ? error.problem : String(error));
      return false;
    }
  }

  /** Ends one that was started and has not come, unless it may be one that has. */
  private giveUp(duty: RoleDuty, { starting, certain }: Overdue): void {
    const { role, scaling, started } = duty;
    const seconds = scaling.rule.startTimeout / 1_000;
    const rest = certain ? '' : '; it is not ended, since others have come and it may be one of them';
    const what = `started, but no agent of role ${role} registered within ${seconds} s${rest}`;
    if (certain) started.get(starting)?.end?.();
    this.noteFailure(duty, starting.since, what);
  }

  private noteFailure({ role, failures }: RoleDuty, since: number, what: string): void {
    const failure = failures.note(performance.now(), since);
    if (!failure) return this.logger.debug(`${role}: ${what}`);
    const { wait, inARow } = failure;
    this.logger.error(`${role}: ${what}; no other is started for ${wait / 1_000} s (${inARow} in a row)`);
  }

  private async stop(
    role: string,
    scaling: RoleScaling,
    { stop, staying }: ScalingDecision,
    workers: readonly RegisteredAgent[],
    backlog: number,
    signal: AbortSignal,
  ): Promise<void> {
    const mayStop = ({ id, instance, roles }: RegisteredAgent): boolean =>
      id !== this.identity.id && !scaling.isStopping(instance) && roles.length === 1;
    const chosen = idlest(workers.filter(mayStop)).slice(0, stop);
    if (chosen.length === 0) return;
    const names = chosen.map(({ id }) => id).join(', ');
    this.logger.log(`${role}: a backlog of ${backlog} for ${staying} workers: stops ${names}`);
    for (const agent of chosen) {
      if (signal.aborted) return;
      await this.spawner.stop(agent, REASON);
      scaling.stopping(performance.now(), agent.instance);
    }
  }
}

/** What is remembered of a role while this agent leads. */
class RoleDuty {
  /** How many looks in a row have come to nothing. */
  failed = 0;
  readonly failures = new StartFailures();
  /** Workers that have not come in time, and are to be ended. */
  readonly overdue: Overdue[] = [];
  readonly started = new WeakMap<Starting, StartedWorker>();

  constructor(
    readonly role: string,
    readonly scaling: RoleScaling,
  ) {}
}

/** Suspects first, then as the agents last told; of equally idle agents the youngest first. */
const idlest = (agents: readonly RegisteredAgent[]): RegisteredAgent[] =>
  [...agents].sort(
    (a, b) =>
      Number(a.health === 'healthy') - Number(b.health === 'healthy') ||
      a.load - b.load ||
      a.inFlight - b.inFlight ||
      b.registeredAt.getTime() - a.registeredAt.getTime(),
  );

/** For the log of the agent that is stopped. */
const REASON = 'fewer workers are enough';
