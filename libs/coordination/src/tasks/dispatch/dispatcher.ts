import { Injectable, Logger } from '@nestjs/common';
import { AgentRegistry, AgentSettings } from 'agentmq/agent';
import { MessageTooLargeError } from 'agentmq/broker';
import { newMessageId, TASK_HEADER, toAgent, toWireError } from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import { ReplayStore } from 'agentmq/message-store';
import { StoreUnavailableError } from 'agentmq/database';
import { MessageBus } from 'agentmq/messaging';
import { pause } from 'agentmq/time';
import { UnknownStrategyError } from '../../balancing/errors.js';
import { Strategies } from '../../balancing/strategies.js';
import type { Candidate, Strategy } from '../../balancing/strategy.js';
import type { LeaderDuty } from '../../coordinators/leader-duty.js';
import { candidatesFor } from '../../distribution/destination.js';
import type { Leadership } from '../../election/election-group.js';
import { Router } from '../../routing/router.js';
import { DispatchStore, type Holding, keyOf, type Undelivered } from '../store/dispatch-store.js';
import { parseDestination } from '../draft.js';
import { TaskAgentLostError } from '../errors.js';
import { TaskNotices } from '../notices.js';
import { AgentPlaces } from './places.js';
import { plan, type PlannedAssignment, type QueuedTask } from './plan.js';
import { Round } from './round.js';
import { contentTypeOf } from '../task-sealing.js';
import type { SettledTask } from '../store/settled.js';
import { AttemptStore } from '../store/attempt-store.js';

/** How often tasks are looked at that nobody has told of, in ms. */
const LOOK_MS = 1_000;
/** While no task is open: how often it is asked whether one is, in ms; and how often that before a whole turn. */
const IDLE_LOOK_MS = 5_000;
const IDLE_LOOKS = 12;
/** How often old tasks are deleted, in ms, and how many at once. */
const FORGET_EVERY_MS = 60_000;
const FORGET_AT_ONCE = 1_000;
/** What is read of each destination, and assigned in one transaction. */
const READ_AT_ONCE = 200;
const ASSIGN_AT_ONCE = 200;
const ASSIGN_BYTES_AT_ONCE = 8 * 1024 * 1024;
/** What is ended at once, since its time is over or what it is part of has ended; and how often that is looked for, in ms. */
const END_AT_ONCE = 5_000;
const ORPHANS_MS = 5_000;
const LONGEST_TTL_MS = 4_294_967_295;

/** Gives queued tasks to agents, and takes them from those that are gone. Only the leader of the coordinators does. */
@Injectable()
export class TaskDispatcher implements LeaderDuty {
  readonly name = 'tasks';
  private readonly logger = new Logger('TaskDispatcher');
  private readonly dispatch: DispatchStore;
  private readonly attempts: AttemptStore;

  constructor(
    private readonly settings: AgentSettings,
    private readonly registry: AgentRegistry,
    private readonly router: Router,
    private readonly strategies: Strategies,
    private readonly notices: TaskNotices,
    private readonly bus: MessageBus,
    database: Database,
    private readonly replays: ReplayStore,
  ) {
    this.dispatch = new DispatchStore(database);
    this.attempts = new AttemptStore(database);
  }

  async run(leadership: Leadership): Promise<void> {
    const round = new Round();
    const wake = (): void => round.wake();
    const callOff = this.notices.onWork(wake);
    const events = this.registry.events.subscribe(wake);
    try {
      while (!leadership.signal.aborted) await this.turn(leadership, round);
    } finally {
      events.unsubscribe();
      callOff();
    }
  }

  private async turn(leadership: Leadership, round: Round): Promise<void> {
    try {
      const holdings = await this.takeOver(leadership, round, await this.dispatch.holdings());
      if (round.isDue('tidy', LOOK_MS))
        await this.tidy(leadership, round).catch((error: unknown) => this.report(error, leadership));
      if (round.isDue('forget', round.hasMoreToForget ? LOOK_MS : FORGET_EVERY_MS))
        await this.forget(round).catch((error: unknown) => this.report(error, leadership));
      if (await this.assign(leadership, round, new AgentPlaces(holdings))) return;
      round.passedOver.clear();
      await this.rest(round, leadership.signal);
    } catch (error) {
      if (leadership.signal.aborted) return;
      this.report(error, leadership);
      await pause(LOOK_MS, leadership.signal);
    }
  }

  /** While no task is open, one statement now and then looks for a task that was not told of. */
  private async rest(round: Round, signal: AbortSignal): Promise<void> {
    if (await this.dispatch.hasOpen()) {
      await round.rest(LOOK_MS, signal);
      return;
    }
    for (let look = 0; look < IDLE_LOOKS; look++) {
      if ((await round.rest(IDLE_LOOK_MS, signal)) || signal.aborted || (await this.dispatch.hasOpen())) return;
    }
  }

  private report(error: unknown, { signal }: Leadership): void {
    if (signal.aborted) return;
    if (error instanceof StoreUnavailableError) this.logger.warn(String(error));
    else this.logger.error(error);
  }

  private async forget(round: Round): Promise<void> {
    const forgotten = await this.dispatch.forget(this.settings.messaging.retentionMs, FORGET_AT_ONCE);
    round.hasMoreToForget = forgotten >= FORGET_AT_ONCE;
  }

  /** Assigns what can be assigned now. Resolves with whether there may be more. */
  private async assign({ fence }: Leadership, round: Round, places: AgentPlaces): Promise<boolean> {
    const due = await this.dispatch.queued(READ_AT_ONCE, [...round.passedOver]);
    const queued = due.filter(({ strategy }) => this.strategies.names.includes(strategy));
    if (queued.length < due.length) await this.refuse(fence, due);
    if (queued.length === 0) return false;
    const lanes = queued.some(({ lane }) => lane !== '') ? await this.dispatch.lanes() : new Map<string, never>();
    const candidates = new Map<string, readonly Candidate[]>();
    const able = (destination: string): readonly Candidate[] => {
      let found = candidates.get(destination);
      if (!found) candidates.set(destination, (found = this.candidatesFor(destination)));
      return found;
    };
    const { assignments, full } = plan({
      queued,
      held: places.held,
      lanes,
      able,
      room: places.roomOf,
      choose: ({ destination, strategy }, those, work) => {
        const place = `${strategy} ${destination}`;
        const chooser = (): Strategy => round.strategy(place, () => this.strategies.create(strategy));
        return this.chosen(strategy, () => chooser().choose(those, work), those);
      },
    });
    for (const part of inParts(assignments)) await this.send(fence, part);
    const given = new Set(assignments.map(({ task }) => task.id));
    const left = queued.filter(({ id }) => !given.has(id));
    if (await this.makePlace(fence, left, places, able)) return true;
    return queued.length >= READ_AT_ONCE && (given.size > 0 || passOver(left, full, round.passedOver));
  }

  /**
   * What waits for parts holds a place. Where all places are held so, a part of one of those can have none: of each such
   * destination, one is put off for it. Resolves with whether any was.
   */
  private async makePlace(
    fence: Leadership['fence'],
    left: readonly QueuedTask[],
    places: AgentPlaces,
    able: (destination: string) => readonly Candidate[],
  ): Promise<boolean> {
    const parts = left.filter(({ isPart }) => isPart);
    let made = false;
    for (const destination of new Set(parts.map((part) => part.destination))) {
      const agents = able(destination);
      if (agents.length === 0 || !agents.every((agent) => places.isBlocked(agent))) continue;
      const partIds = parts.filter((part) => part.destination === destination).map(({ id }) => id);
      const agentIds = agents.map(({ id }) => id);
      const whole = await fence((transaction) => this.dispatch.putOff(transaction, partIds, agentIds));
      if (whole === undefined) continue;
      this.logger.log(`put off ${whole}: its parts need its place, since nobody at ${destination} has another`);
      this.notices.cancelled([whole]);
      made = true;
    }
    return made;
  }

  /** A strategy of an app's own, or what makes it, may throw, or choose nobody that was to be chosen from. */
  private chosen(
    strategy: string,
    choose: () => Candidate,
    candidates: readonly [Candidate, ...Candidate[]],
  ): Candidate {
    try {
      const chosen = choose();
      if (candidates.includes(chosen)) return chosen;
      this.logger.error(`strategy ${strategy} has chosen none of the candidates: the first is taken`);
    } catch (error) {
      this.logger.error(error);
    }
    return candidates[0];
  }

  /** Tasks whose strategy is known to their submitter alone. */
  private async refuse(fence: Leadership['fence'], due: readonly QueuedTask[]): Promise<void> {
    const { names } = this.strategies;
    for (const { id, strategy } of due) {
      if (names.includes(strategy)) continue;
      const error = toWireError(new UnknownStrategyError(strategy, names));
      this.tell(await fence((transaction) => this.dispatch.refuse(transaction, id, error)));
    }
  }

  private async send(fence: Leadership['fence'], planned: readonly PlannedAssignment[]): Promise<void> {
    const messageIds = planned.map(() => newMessageId());
    const settled: SettledTask[] = [];
    await fence(async (transaction) => {
      const assigned = await this.dispatch.assign(transaction, planned, messageIds);
      const { maxMessageBytes } = this.settings.bus;
      const fitting = assigned.filter(({ payload }) => Buffer.byteLength(payload) <= maxMessageBytes);
      for (const { id, assignment, payload } of assigned.filter((task) => !fitting.includes(task))) {
        const error = toWireError(new MessageTooLargeError(Buffer.byteLength(payload), maxMessageBytes));
        settled.push(...(await this.attempts.fail(id, assignment, error, transaction)));
      }
      const messages = fitting.map(({ id, agentId, assignment, type, version, payload, priority, ...task }) => ({
        messageId: assignment,
        recipient: toAgent(agentId),
        type,
        version,
        payload,
        priority,
        ttl: Math.max(1, Math.min(LONGEST_TTL_MS, Math.ceil(task.leftMs))),
        correlationId: id,
        headers: { [TASK_HEADER]: id },
        ...contentTypeOf(payload),
        ...(task.causeId === null ? {} : { causationId: task.causeId }),
        ...(task.trace === null ? {} : { trace: task.trace }),
      }));
      await this.bus.forward(messages, transaction);
    });
    this.tell(settled);
  }

  /**
   * Takes the tasks of agents that are gone. One that is told to stop keeps what it has begun for as long as it may take to
   * finish it. What an agent has whose id was taken by a new instance comes to that one, in the inbox that they share.
   */
  private async takeOver(
    { fence }: Leadership,
    round: Round,
    holdings: readonly Holding[],
  ): Promise<readonly Holding[]> {
    const left: Holding[] = [];
    for (const holding of holdings) {
      const { agentId } = holding;
      const [agent] = this.registry.find({ id: agentId, health: 'any' });
      if (agent?.health === 'healthy' || agent?.health === 'suspect') {
        left.push(await this.takeBack(fence, holding, agent.concurrency));
        continue;
      }
      // Who has come lately may be unknown to a leader that has come lately too, until the next heartbeat.
      if (!agent && !round.isOver(`unknown ${holding.instance}`, this.settings.registry.heartbeatInterval)) {
        left.push(holding);
        continue;
      }
      const stopping = agent?.health === 'stopped' && !round.isOver(`stop ${holding.instance}`, this.graceMs);
      const lost = toWireError(new TaskAgentLostError(agentId));
      const begun = stopping ? 'stays' : agent?.health === 'dead' ? 'counts' : 'again';
      const how = { begun, lost } as const;
      const { taken, failed } = await fence((transaction) => this.dispatch.takeFrom(transaction, holding, how));
      if (taken < holding.held) left.push({ ...holding, held: holding.held - taken });
      if (taken > 0) this.logger.log(`took ${taken} tasks from ${agentId}, which is ${agent?.health ?? 'gone'}`);
      this.tell(failed);
    }
    return left;
  }

  /** What is behind tasks that all wait for others may be done sooner elsewhere. */
  private async takeBack(fence: Leadership['fence'], holding: Holding, concurrency: number): Promise<Holding> {
    const { agentId, held, begun, waiting } = holding;
    if (waiting < concurrency || begun === held) return holding;
    const how = { begun: 'stays', lost: toWireError(new TaskAgentLostError(agentId)) } as const;
    const { taken } = await fence((transaction) => this.dispatch.takeFrom(transaction, holding, how));
    return { ...holding, held: held - taken };
  }

  private get graceMs(): number {
    return this.settings.shutdownTimeout;
  }

  private async tidy({ fence }: Leadership, round: Round): Promise<void> {
    this.tell(await fence((transaction) => this.dispatch.endOverdue(transaction, END_AT_ONCE)));
    if (round.isDue('orphans', ORPHANS_MS))
      this.tell(await fence((transaction) => this.dispatch.endOrphans(transaction, END_AT_ONCE)));
    for (const each of await this.dispatch.undelivered()) await this.failUndelivered(fence, each);
  }

  private async failUndelivered(fence: Leadership['fence'], undelivered: Undelivered): Promise<void> {
    const { id, assignment, consumer, isHandled } = undelivered;
    const error = isHandled ? notTaken(consumer) : (undelivered.error ?? notDelivered);
    // what does not keep the contract keeps it nowhere; work that is done is not to be done again for its result
    const retryable = error.code !== 'CONTRACT_VIOLATION' && error.code !== 'TASK_RESULT_INVALID';
    const wire = { name: error.name, code: error.code, message: error.message, retryable };
    const settled = await fence(async (transaction) => {
      const delivery = { messageId: assignment, consumer };
      if (!isHandled) await this.replays.discard([delivery], `task ${id} has failed with it`, transaction);
      return this.attempts.fail(id, assignment, wire, transaction);
    });
    this.tell(settled);
  }

  private tell(settled: readonly SettledTask[]): void {
    this.notices.settled(settled);
    const ids = settled.map(({ id }) => id);
    if (ids.length > 0) this.notices.cancelled(ids);
  }

  private candidatesFor(destination: string): readonly Candidate[] {
    return candidatesFor(parseDestination(destination), this.registry, this.router);
  }
}

const notDelivered = { name: 'Error', code: 'UNKNOWN', message: 'the assignment was not delivered' };
const notTaken = (consumer: string) => ({
  name: 'TaskNotTakenError',
  code: 'TASK_NOT_TAKEN',
  message: `${consumer} has handled the message that brought the task, but has no @Task method for it`,
});

/** Notes keys whose agent has no room while others have: they are not to hide what is behind them. Whether there is another. */
function passOver(left: readonly QueuedTask[], full: ReadonlySet<string>, keys: Set<string>): boolean {
  const before = keys.size;
  for (const task of left) {
    const key = full.has(task.destination) ? undefined : keyOf(task);
    if (key !== undefined) keys.add(key);
  }
  return keys.size > before;
}

/** In the order given: parts of what one transaction may hold, of one at least. */
function inParts(planned: readonly PlannedAssignment[]): PlannedAssignment[][] {
  const parts: PlannedAssignment[][] = [];
  let bytes = 0;
  for (const assignment of planned) {
    const part = parts.at(-1);
    bytes += assignment.task.bytes;
    if (part && part.length < ASSIGN_AT_ONCE && bytes <= ASSIGN_BYTES_AT_ONCE) part.push(assignment);
    else {
      parts.push([assignment]);
      bytes = assignment.task.bytes;
    }
  }
  return parts;
}
