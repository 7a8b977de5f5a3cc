import { Injectable, Logger } from '@nestjs/common';
import {
  type AgentHandler,
  AgentIdentity,
  AgentPauses,
  AgentServer,
  type Intake,
  type PausedWork,
} from 'agentmq/agent';
import { type HandlerRunner, MessageBus } from 'agentmq/messaging';
import { errorText } from 'agentmq/protocol';
import { within } from 'agentmq/time';
import { TaskAssigned, topicOfAssigned } from '../messages.js';
import type { TaskRef } from '../store/settled.js';
import { TaskMetrics } from '../store/task-metrics.js';
import { TypeStore } from '../store/type-store.js';
import { TaskAttempts } from './task-attempts.js';

/** How long giving back may take at a stop, in ms. */
const RELEASE_MS = 1_000;
/** How often a transaction may be cut off under one assignment, while the database is there, before that is a failure. */
const MOST_CUT_OFF = 3;

/** Begins the tasks that this agent is told of, in the order told: as many at once as the agent's concurrency. */
@Injectable()
export class TaskWorker implements Intake, PausedWork {
  private readonly logger = new Logger('Tasks');
  private runner: HandlerRunner | undefined;
  /** Told of, and not begun: by assignment. */
  private readonly told = new Map<string, TaskRef>();
  private readonly underWay = new Map<string, Promise<void>>();
  /** Aborted when nothing more is begun. */
  private readonly closing = new AbortController();

  constructor(
    private readonly identity: AgentIdentity,
    private readonly bus: MessageBus,
    private readonly attempts: TaskAttempts,
    private readonly types: TypeStore,
    private readonly metrics: TaskMetrics,
    private readonly pauses: AgentPauses,
    server: AgentServer,
  ) {
    server.addIntake(this);
    pauses.add(this);
  }

  get isIdle(): boolean {
    return this.told.size === 0 && this.underWay.size === 0;
  }

  /** What it has not begun when the agent is paused, other agents may do. */
  paused(): void {
    this.giveBackUnbegun();
  }

  async open(handlers: readonly AgentHandler[]): Promise<void> {
    const { id, concurrency } = this.identity;
    const own = handlers.filter(({ task }) => task);
    if (own.length === 0 || this.closing.signal.aborted || this.runner) return;
    await this.types.declare(own.map(({ contract }) => contract));
    this.runner = this.bus.runner({ consumer: `agent.${id}`, handlers: own, concurrency });
    await this.bus.listen([topicOfAssigned(id)], TaskAssigned, (assigned) => this.hear(assigned));
  }

  async close(timeoutMs: number): Promise<void> {
    this.closing.abort();
    const unbegun = [...this.told.values()];
    this.told.clear();
    await within(timeoutMs, Promise.all([this.attempts.giveBack(unbegun), ...this.underWay.values()]));
    this.attempts.end();
    await within(RELEASE_MS, Promise.all(this.underWay.values()));
  }

  /** The same may be told twice. What was meant for an earlier process of this id is taken from that by the leader. */
  private hear({ instance, tasks }: TaskAssigned): void {
    if (instance !== this.identity.instance || this.closing.signal.aborted) return;
    for (const { id, assignment } of tasks)
      if (!this.underWay.has(assignment)) this.told.set(assignment, { id, assignment });
    // assigned in the moment of the pause
    if (this.pauses.isPaused) this.giveBackUnbegun();
    else this.fill();
  }

  private giveBackUnbegun(): void {
    const unbegun = [...this.told.values()];
    this.told.clear();
    this.attempts
      .giveBack(unbegun)
      .catch((error: unknown) => this.logger.warn(`tasks that were not begun: ${errorText(error)}`));
  }

  private fill(): void {
    for (const [assignment, ref] of this.told) {
      if (!this.runner || this.runner.places.isFull) return;
      this.told.delete(assignment);
      this.begin(ref, this.runner);
    }
  }

  private begin(ref: TaskRef, runner: HandlerRunner): void {
    let isHeld = true;
    runner.places.take();
    const free = (): void => {
      if (!isHeld) return;
      isHeld = false;
      runner.places.free();
      this.fill();
    };
    const work = this.carryOut(ref, runner, free)
      .catch((error: unknown) => this.logger.error(`task ${ref.id}: ${errorText(error)}`))
      .finally(() => {
        this.underWay.delete(ref.assignment);
        free();
      });
    this.underWay.set(ref.assignment, work);
  }

  /** `free` is called when another task can have the place. */
  private async carryOut(ref: TaskRef, runner: HandlerRunner, free: () => void): Promise<void> {
    const { signal } = this.closing;
    for (let cutOff = 0; ; cutOff++) {
      const begun = await this.attempts.begin(ref, signal);
      // Taken back, cancelled, or done: nothing is left to do.
      if (!begun) return;
      if (signal.aborted) return this.attempts.giveBack([ref]);
      if (cutOff === 0) this.metrics.begun(begun.type, begun.waitedMs);
      const how = { runner, free, mayBeCutOff: cutOff < MOST_CUT_OFF };
      if ((await this.attempts.make(begun, how)) === 'ended') return;
    }
  }
}
