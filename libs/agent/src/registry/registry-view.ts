import type { AgentRecord, AgentSnapshot } from 'agentmq/message-store';
import { type AgentHealth, healthOf, type RegisteredAgent } from './agent-health.js';
import type { RegistryTimes } from './times.js';

/**
 * - `joined`: an instance has registered, or is seen for the first time (`suspect` already if it has been silent)
 * - `suspect`, then `dead`: it has been silent for longer than it should be, and for so long that it is given up
 * - `recovered`: it is heard of again after that
 * - `left`: it has stopped, was replaced by another instance of its id, or has been forgotten after a long silence
 *
 * Of each registration, one `joined` comes first and at most one `left` comes last.
 */
export interface RegistryEvent {
  readonly kind: 'joined' | 'left' | 'suspect' | 'dead' | 'recovered';
  readonly agent: RegisteredAgent;
}

/**
 * All agents as one process knows them: those on record, and nothing else. What is read comes in the order in which it was
 * read. Every change answers the events that it means. Neither clock nor I/O.
 */
export class RegistryView {
  private readonly known = new Map<string, RegisteredAgent>();

  constructor(private readonly times: Pick<RegistryTimes, 'suspectAfter' | 'deadAfter'>) {}

  get agents(): Iterable<RegisteredAgent> {
    return this.known.values();
  }

  get(id: string): RegisteredAgent | undefined {
    return this.known.get(id);
  }

  /** Silent for longer than they should be, when they were last read. */
  get doubted(): string[] {
    const ids: string[] = [];
    for (const { id, health } of this.known.values()) if (health === 'suspect' || health === 'dead') ids.push(id);
    return ids;
  }

  /**
   * All that is on record was read; or what is of these ids, with any that have changed beside them: of the rest those that
   * are {@link doubted} must be among the ids, and those that are silent among what was read. Only a `clear` reader gives
   * anybody up.
   */
  read(
    { now, agents }: Pick<AgentSnapshot, 'now' | 'agents'>,
    clear: boolean,
    ids?: readonly string[],
  ): RegistryEvent[] {
    const read = new Set(agents.map(({ id }) => id));
    const events = agents.flatMap((record) => this.take(record, now, clear));
    for (const id of ids ?? [...this.known.keys()]) {
      const agent = this.known.get(id);
      if (agent && !read.has(id)) events.push(...this.forget(agent));
    }
    return events;
  }

  private take(record: AgentRecord, now: Date, clear: boolean): RegistryEvent[] {
    const known = this.known.get(record.id);
    if (!known || isAnother(record, known)) {
      const events = this.enter(record, now);
      return record.stopped || !clear ? events : [...events, ...this.judge(record.id, now, clear)];
    }
    this.known.set(record.id, { ...record, health: known.health });
    return this.judge(record.id, now, clear);
  }

  /** A new instance: the end of the last one, and the beginning of this. */
  private enter(record: AgentRecord, now: Date): RegistryEvent[] {
    const last = this.known.get(record.id);
    const agent = { ...record, health: healthOf(record, now, undefined, false, this.times) };
    const events = last ? this.become(last, 'stopped') : [];
    this.known.set(record.id, agent);
    return agent.stopped ? events : [...events, { kind: 'joined', agent }];
  }

  private judge(id: string, now: Date, clear: boolean): RegistryEvent[] {
    const agent = this.known.get(id);
    if (!agent) return [];
    const after = healthOf(agent, now, agent.health, clear, this.times);
    // A reading now and then may miss the time of suspicion.
    const doubted = agent.health === 'healthy' && after === 'dead' ? this.become(agent, 'suspect') : [];
    return [...doubted, ...this.become(this.known.get(id) ?? agent, after)];
  }

  private become(agent: RegisteredAgent, health: AgentHealth): RegistryEvent[] {
    if (agent.health === health) return [];
    const changed = { ...agent, health, stopped: health === 'stopped' };
    this.known.set(agent.id, changed);
    return [{ kind: KINDS[health], agent: changed }];
  }

  private forget(agent: RegisteredAgent): RegistryEvent[] {
    const events = this.become(agent, 'stopped');
    this.known.delete(agent.id);
    return events;
  }
}

/** What it means that an agent has become so. */
const KINDS = { healthy: 'recovered', suspect: 'suspect', dead: 'dead', stopped: 'left' } as const;

/** Another registration than the known one, which may be of the same instance: one that was forgotten registers again. */
const isAnother = (record: AgentRecord, known: RegisteredAgent): boolean =>
  record.instance !== known.instance ||
  record.incarnation !== known.incarnation ||
  record.registeredAt.getTime() !== known.registeredAt.getTime() ||
  (known.stopped && !record.stopped);
