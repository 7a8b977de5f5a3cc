import { Injectable, Logger } from '@nestjs/common';
import { AgentIdentity, AgentRegistry, AgentSettings, type RegisteredAgent } from 'agentmq/agent';
import { pause } from 'agentmq/messaging';
import { Metrics } from 'agentmq/telemetry';
import type { LeaderDuty } from '../coordinators/leader-duty.js';
import type { Leadership } from '../election/election-group.js';
import { DeposedError } from '../election/errors.js';
import { BacklogSource } from './backlog-source.js';
import { RoleScaling, type ScalingDecision, type Starting } from './role-scaling.js';
import { Spawner, type StartedWorker } from './spawner.js';

/** Starts and stops workers of the roles of `SCALING`, as their backlogs warrant. A duty of whoever leads the coordinators. */
@Injectable()
export class Scaler implements LeaderDuty {
  readonly name = 'scaler';
  private readonly logger = new Logger('Scaler');

  constructor(
    private readonly settings: AgentSettings,
    private readonly identity: AgentIdentity,
    private readonly registry: AgentRegistry,
    private readonly backlog: BacklogSource,
    private readonly spawner: Spawner,
    private readonly metrics: Metrics,
  ) {}

  /** Resolves when the leadership has ended. It knows of nothing but what the registry says: so the next leader goes on. */
  async run(leadership: Leadership): Promise<void> {
    const { roles, interval, ...rest } = this.settings.scaling;
    const all = roles.map(({ role, ...rule }) => new RoleDuty(role, new RoleScaling({ ...rule, ...rest })));
    try {
      while (!leadership.signal.aborted) {
        await Promise.all(all.map((duty) => this.tend(duty, leadership)));
        // with nothing to scale it is woken by the end alone
        await pause(all.length > 0 ? interval : LONGEST_PAUSE_MS, leadership.signal);
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
      const problem = error instanceof Error ? error.message : String(error);
      // one that passes is not worth a warning, and one that lasts is worth one
      if (++duty.failed === 2) this.logger.warn(problem);
      else this.logger.debug(problem);
    }
  }

  private async look({ role, scaling, underWay }: RoleDuty, leadership: Leadership): Promise<void> {
    const backlog = await this.backlog.of(role);
    // one that is silent for a while is there, and comes back
    const workers = this.registry.find({ role, health: ['healthy', 'suspect'] });
    const decision = scaling.look(performance.now(), { backlog, workers: workers.map(({ instance }) => instance) });
    const { start, stop, desired } = decision;
    for (const ticket of decision.overdue) {
      underWay.get(ticket)?.end?.();
      underWay.delete(ticket);
    }
    this.metrics.scaled(role, { backlog, workers: workers.length, desired });
    const asked = workers.filter(({ instance }) => scaling.isStopping(instance));
    if (start + stop + asked.length === 0) return;
    // One that was paused may not know yet that another leads.
    await leadership.fence(() => Promise.resolve());
    for (const agent of asked) await this.spawner.stop(agent, REASON);
    if (start > 0) await this.start({ role, scaling, underWay }, decision, backlog, leadership.signal);
    if (stop > 0) await this.stop(role, scaling, decision, workers, backlog, leadership.signal);
  }

  private async start(
    { role, scaling, underWay }: Pick<RoleDuty, 'role' | 'scaling' | 'underWay'>,
    { start, staying, starting }: ScalingDecision,
    backlog: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (let n = 0; n < start && !signal.aborted; n++) {
      const worker = await this.spawner.start(role);
      const ticket = scaling.started(performance.now());
      underWay.set(ticket, worker);
      void worker.ended.then(() => {
        scaling.failed(ticket);
        underWay.delete(ticket);
      });
      if (n === 0)
        this.logger.log(`${role}: a backlog of ${backlog} for ${staying + starting} workers: starts ${start}`);
    }
  }

  private async stop(
    role: string,
    scaling: RoleScaling,
    { stop, staying }: ScalingDecision,
    workers: readonly RegisteredAgent[],
    backlog: number,
    signal: AbortSignal,
  ): Promise<void> {
    const stays = workers.filter(({ id, instance }) => id !== this.identity.id && !scaling.isStopping(instance));
    const chosen = idlest(stays).slice(0, stop);
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
  /** Who was started for each ticket, and is not known to have ended. */
  readonly underWay = new WeakMap<Starting, StartedWorker>();

  constructor(
    readonly role: string,
    readonly scaling: RoleScaling,
  ) {}
}

/** As the agents last told; of those that are equally idle the youngest first. */
const idlest = (agents: readonly RegisteredAgent[]): RegisteredAgent[] =>
  [...agents].sort(
    (a, b) => a.load - b.load || a.inFlight - b.inFlight || b.registeredAt.getTime() - a.registeredAt.getTime(),
  );

/** For the log of the agent that is stopped. */
const REASON = 'fewer workers are enough';
/** Node's timers take no more. */
const LONGEST_PAUSE_MS = 2 ** 31 - 1;
