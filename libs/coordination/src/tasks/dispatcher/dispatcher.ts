import { Injectable, Logger } from '@nestjs/common';
import { AgentIdentity, AgentRegistry, AgentSettings, type RegisteredAgent } from 'agentmq/agent';
import { errorText, toWireError } from 'agentmq/protocol';
import { StoreUnavailableError } from 'agentmq/database';
import { MessageBus, Sampler, Spans } from 'agentmq/messaging';
import { pause } from 'agentmq/time';
import { UnknownStrategyError } from '../../distribution/balancing/errors.js';
import { Strategies } from '../../distribution/balancing/strategies.js';
import type { Candidate, Strategy } from '../../distribution/balancing/strategy.js';
import { Coordinators } from '../../coordinators/coordinators.js';
import type { LeaderDuty } from '../../coordinators/leader-duty.js';
import { candidatesFor, parseDestination } from '../../distribution/destination.js';
import type { Leadership } from '../../election/election-group.js';
import { Router } from '../../distribution/routing/router.js';
import { type AssignedTask, DispatchStore, type Holding, keyOf, type Look } from '../store/dispatch-store.js';
import { TaskAgentLostError } from '../errors.js';
import { TaskAssigned, topicOfAssigned } from '../messages.js';
import { TaskNotices } from '../notices.js';
import { AgentPlaces } from './places.js';
import { plan, type Plan, type Situation } from './plan.js';
import { type PlacedTask, placeOf, type PlannedAssignment, type QueuedTask } from '../store/queued-task.js';
import { Round } from './round.js';

/** How often tasks are looked at of which no notice has told, in ms. */
const LOOK_MS = 1_000;
/**
 * While no task is open: how often it is asked whether one is, in ms, since the notice of a task may have been lost; and how often that
 * before a whole turn.
 */
const IDLE_LOOK_MS = 5_000;
const IDLE_LOOKS = 12;
/** How often old tasks are deleted, in ms, and how many at once. */
const FORGET_EVERY_MS = 60_000;
const FORGET_AT_ONCE = 1_000;
/** What is read of each destination at once. */
const READ_AT_ONCE = 200;
/** What is ended at once, since its time is over or what it is part of has ended; and how often that is looked for, in ms. */
const END_AT_ONCE = 5_000;
const ORPHANS_MS = 5_000;
/** After which an agent is told again of what it has not begun, in ms. */
const RING_AGAIN_MS = 2_000;
const RING_AT_ONCE = 1_000;
/** How long a task has waited at an agent, in ms, before it may be moved to one that could begin it at once; and how many are at once. */
const AHEAD_MS = 100;
const MOVE_AT_ONCE = 200;

/** Gives queued tasks to agents, and takes them from those that are gone. Only the leader of the coordinators does. */
@Injectable()
export class TaskDispatcher implements LeaderDuty {
  readonly name = 'tasks';
  private readonly logger = new Logger('TaskDispatcher');
  private readonly spans: Spans;

  constructor(
    private readonly settings: AgentSettings,
    private readonly registry: AgentRegistry,
    private readonly router: Router,
    private readonly strategies: Strategies,
    private readonly notices: TaskNotices,
    private readonly bus: MessageBus,
    private readonly dispatch: DispatchStore,
    coordinators: Coordinators,
    identity: AgentIdentity,
    sampler: Sampler,
  ) {
    this.spans = new Spans(identity.id, sampler.sample);
    coordinators.add(this);
  }

  async run(leadership: Leadership): Promise<void> {
    const round = new Round();
    const callOff = this.notices.onWork((notice) => round.hear(notice));
    const events = this.registry.events.subscribe(() => round.wake());
    try {
      while (!leadership.signal.aborted) await this.turn(leadership, round);
    } finally {
      events.unsubscribe();
      callOff();
      round.end();
    }
  }

  private async turn(leadership: Leadership, round: Round): Promise<void> {
    try {
      round.begin();
      const look = await this.dispatch.look(READ_AT_ONCE, [...round.passedOver]);
      const holdings = await this.takeOver(leadership, round, look.holdings);
      await this.tidy(leadership, round, { ...look, holdings }).catch((error: unknown) =>
        this.report(error, leadership),
      );
      const next = await this.assign(leadership, round, { ...look, holdings });
      if (next === 'again' || heldBy(holdings) < heldBy(look.holdings)) return;
      round.passedOver.clear();
      await this.rest(round, look.isAnyOpen, next, leadership.signal);
    } catch (error) {
      if (leadership.signal.aborted) return;
      this.report(error, leadership);
      await pause(LOOK_MS, leadership.signal);
    }
  }

  /** While no task is open, one statement now and then looks for a task that was not told of. */
  private async rest(round: Round, isAnyOpen: boolean, ms: number, signal: AbortSignal): Promise<void> {
    if (isAnyOpen) {
      await round.sleep(ms, signal);
      return;
    }
    for (let look = 0; look < IDLE_LOOKS; look++) {
      if ((await round.sleep(IDLE_LOOK_MS, signal)) || signal.aborted || (await this.dispatch.hasOpen())) return;
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

  /** Assigns what can be assigned now. Resolves with how long to rest, in ms, or `again` if there may be more. */
  private async assign(leadership: Leadership, round: Round, look: Look): Promise<number | 'again'> {
    const queued = look.queued.filter(({ strategy }) => this.strategies.names.includes(strategy));
    if (queued.length < look.queued.length) await this.refuse(leadership.fence, look.queued);
    const places = new AgentPlaces(look.holdings);
    const candidates = new Map<string, readonly Candidate[]>();
    const situation = {
      lanes: new Map(look.lanes.map(({ lane, ...load }) => [lane, load])),
      able: (task: PlacedTask): readonly Candidate[] => {
        const place = placeOf(task);
        let found = candidates.get(place);
        if (!found) candidates.set(place, (found = this.candidatesFor(task)));
        return found;
      },
      choose: ({ destination, strategy }, agents, work) => {
        const chooser = (): Strategy =>
          round.strategy(`${strategy} ${destination}`, () => this.strategies.create(strategy));
        return this.chosen(strategy, () => chooser().choose(agents, work), agents);
      },
    } satisfies Partial<Situation>;
    const planned = plan({ ...situation, queued, held: places.held, room: places.roomOf });
    await this.give(leadership, planned.assignments);
    const given = new Set(planned.assignments.map(({ task }) => task.id));
    round.isWaiting = look.openQueued > given.size || look.isAnyRunning;
    round.held = heldBy(look.holdings) + given.size;
    const left = queued.filter(({ id }) => !given.has(id));
    if (await this.makePlace(leadership.fence, left, places, situation.able)) return 'again';
    const isMore = queued.length >= READ_AT_ONCE && (given.size > 0 || this.passOver(left, planned, round.passedOver));
    return isMore ? 'again' : this.move(leadership, round, look.holdings, { ...situation, held: planned.held });
  }

  /**
   * Moves tasks that wait at an agent to agents that could begin them at once: those would else be idle until the first, which may be
   * slower, has got to them. A task with an affinity stays. Resolves with how long to rest, in ms.
   */
  private async move(
    leadership: Leadership,
    round: Round,
    holdings: readonly Holding[],
    situation: Omit<Situation, 'queued' | 'room'>,
  ): Promise<number> {
    const { held } = situation;
    const agents = this.registry.find();
    const ahead = agents.filter(({ id, concurrency }) => (held.get(id) ?? 0) > concurrency);
    if (ahead.length === 0) return LOOK_MS;
    round.isWaiting = true;
    const types = new Set(ahead.flatMap(typesOf));
    const isIdle = ({ id, concurrency }: RegisteredAgent): boolean => (held.get(id) ?? 0) < concurrency;
    if (!agents.some((agent) => isIdle(agent) && typesOf(agent).some((type) => types.has(type)))) return LOOK_MS;
    const instances = holdings.flatMap(({ agentId, instance }) =>
      ahead.some(({ id }) => id === agentId) ? [instance] : [],
    );
    const unbegun = await this.dispatch.unbegun(instances, AHEAD_MS, MOVE_AT_ONCE);
    const queued = unbegun.filter(
      ({ affinity, strategy }) => affinity === null && this.strategies.names.includes(strategy),
    );
    const { assignments } = plan({ ...situation, queued, lanes: new Map(), room: ({ concurrency }) => concurrency });
    await this.give(leadership, assignments);
    return unbegun.length > 0 && assignments.length === 0 ? LOOK_MS : AHEAD_MS;
  }

  /**
   * A task that waits for its parts holds a place of its agent. Where such tasks hold all places, their parts can have none: of each such
   * destination the leader puts one of them off. Resolves with whether it put any off.
   */
  private async makePlace(
    fence: Leadership['fence'],
    left: readonly QueuedTask[],
    places: AgentPlaces,
    able: Situation['able'],
  ): Promise<boolean> {
    const parts = new Map<string, QueuedTask[]>();
    for (const task of left) if (task.isPart) parts.set(placeOf(task), [...(parts.get(placeOf(task)) ?? []), task]);
    let made = false;
    for (const there of parts.values()) {
      const [first] = there as [QueuedTask];
      const agents = able(first);
      if (agents.length === 0 || !agents.every((agent) => places.isBlocked(agent))) continue;
      const partIds = there.map(({ id }) => id);
      const agentIds = agents.map(({ id }) => id);
      const whole = await fence((transaction) => this.dispatch.putOff(transaction, partIds, agentIds));
      if (whole === undefined) continue;
      this.logger.log(`put off ${whole}: its parts need its place, since no agent of ${first.destination} has another`);
      this.notices.cancelled([whole]);
      made = true;
    }
    return made;
  }

  /** A strategy of an app's own, or what makes it, may throw, or choose none of the candidates. */
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
      this.notices.ended(await fence((transaction) => this.dispatch.refuse(transaction, id, error)));
    }
  }

  private async give(leadership: Leadership, planned: readonly PlannedAssignment[]): Promise<void> {
    if (planned.length === 0) return;
    const begun = new Date();
    const given = await this.dispatch.assign((...statement) => leadership.fenced(...statement), planned);
    for (const task of given) this.spans.assigned(task, begun);
    this.ring(given);
  }

  /** Tells agents what has been assigned to them. */
  private ring(tasks: readonly AssignedTask[]): void {
    const told = new Map<string, { readonly agentId: string; readonly assigned: TaskAssigned }>();
    for (const { id, assignment, agentId, instance } of tasks) {
      let of = told.get(instance);
      if (!of) told.set(instance, (of = { agentId, assigned: { instance, tasks: [] } }));
      of.assigned.tasks.push({ id, assignment });
    }
    for (const { agentId, assigned } of told.values()) {
      try {
        this.bus.announce(topicOfAssigned(agentId), TaskAssigned, assigned, { ttl: RING_AGAIN_MS });
      } catch (error) {
        this.logger.debug(`${agentId} was not told: ${errorText(error)}`);
      }
    }
  }

  /**
   * Takes the tasks of agents that are gone. One that is told to stop keeps what it has begun for as long as it may take to
   * finish it.
   */
  private async takeOver(
    { fence }: Leadership,
    round: Round,
    holdings: readonly Holding[],
  ): Promise<readonly Holding[]> {
    const left: Holding[] = [];
    for (const holding of holdings) {
      const { agentId, instance } = holding;
      const [found] = this.registry.find({ id: agentId, health: 'any' });
      const isReplaced = found !== undefined && found.instance !== instance;
      const agent = isReplaced ? undefined : found;
      if (agent?.health === 'healthy' || agent?.health === 'suspect') {
        left.push(await this.takeBack(fence, holding, agent.concurrency));
        continue;
      }
      // An agent that has come lately may be unknown to a new leader until the next heartbeat.
      if (!agent && !round.isOver(`unknown ${holding.instance}`, this.settings.registry.heartbeatInterval)) {
        left.push(holding);
        continue;
      }
      const { shutdownTimeout } = this.settings;
      const stopping = agent?.health === 'stopped' && !round.isOver(`stop ${holding.instance}`, shutdownTimeout);
      const lost = toWireError(new TaskAgentLostError(agentId));
      const begun = stopping ? 'stays' : isReplaced || agent?.health === 'dead' ? 'counts' : 'again';
      const how = { begun, lost } as const;
      const { taken, failed } = await fence((transaction) => this.dispatch.takeFrom(transaction, holding, how));
      if (taken < holding.held) left.push({ ...holding, held: holding.held - taken });
      if (taken > 0) this.logger.log(`took ${taken} tasks from ${agentId}, which is ${agent?.health ?? 'gone'}`);
      this.notices.ended(failed);
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

  private async tidy({ fence }: Leadership, round: Round, look: Look): Promise<void> {
    if (look.isAnyOverdue)
      this.notices.ended(await fence((transaction) => this.dispatch.endOverdue(transaction, END_AT_ONCE)));
    if (look.isAnyOpen && round.isDue('orphans', ORPHANS_MS))
      this.notices.ended(await fence((transaction) => this.dispatch.endOrphans(transaction, END_AT_ONCE)));
    if (round.isDue('ring', LOOK_MS)) await this.ringAgain(look.holdings);
    if (round.isDue('forget', round.hasMoreToForget ? LOOK_MS : FORGET_EVERY_MS)) await this.forget(round);
  }

  /** An agent that has room, and does not begin what it was assigned, may not have been told of it. */
  private async ringAgain(holdings: readonly Holding[]): Promise<void> {
    const idle = holdings.filter(({ agentId, held, begun }) => {
      const [agent] = this.registry.find({ id: agentId, health: 'any' });
      return begun < held && begun < (agent?.concurrency ?? 0);
    });
    if (idle.length === 0) return;
    const instances = idle.map(({ instance }) => instance);
    this.ring(await this.dispatch.unbegun(instances, RING_AGAIN_MS, RING_AT_ONCE));
  }

  /** The healthy agents of the task's destination that declare its contract by `@Task`. */
  private candidatesFor({ destination, type, version }: PlacedTask): readonly Candidate[] {
    const handles = { type, version, task: true } as const;
    const agents: Pick<AgentRegistry, 'find'> = { find: (query) => this.registry.find({ ...query, handles }) };
    return candidatesFor(parseDestination(destination), agents, this.router);
  }

  /**
   * Notes places and keys of tasks whose agents have no room, or that have none, while other agents of the destination have room: they are
   * not to hide what is behind them. Whether there is another.
   */
  private passOver(left: readonly QueuedTask[], { full, held }: Plan, noted: Set<string>): boolean {
    const before = noted.size;
    const hasRoom = new Map<string, boolean>();
    for (const task of left) {
      const { destination } = task;
      if (!hasRoom.has(destination)) {
        const agents = candidatesFor(parseDestination(destination), this.registry, this.router);
        hasRoom.set(
          destination,
          agents.some(({ id, concurrency }) => (held.get(id) ?? 0) < concurrency),
        );
      }
      const passed = full.has(placeOf(task)) ? hasRoom.get(destination) && placeOf(task) : keyOf(task);
      if (passed) noted.add(passed);
    }
    return noted.size > before;
  }
}

const heldBy = (holdings: readonly Holding[]): number => holdings.reduce((sum, { held }) => sum + held, 0);

const typesOf = ({ handles }: RegisteredAgent): string[] =>
  handles.flatMap(({ type, version, task }) => (task ? [`${type} ${version}`] : []));
