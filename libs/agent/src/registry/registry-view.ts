import type { AgentCircuit, AgentRecord, AgentSnapshot } from 'agentmq/message-store';
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

/** What an instance says of itself between two readings. */
export type AgentUpdate = Pick<AgentRecord, 'id' | 'instance' | 'sequence' | 'capabilities'> & {
  /** Those known, unless given. */
  readonly circuits?: readonly AgentCircuit[];
};

/**
 * All agents as one process knows them, from what it reads and what it is told, in any order: nothing that is older than
 * what is known changes anything. Every change answers the events that it means. Neither clock nor I/O.
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

  /** All that is on record was read. Only a `clear` reader gives anybody up. */
  read({ now, agents }: AgentSnapshot, clear: boolean): RegistryEvent[] {
    const read = new Set(agents.map(({ id }) => id));
    const events = agents.flatMap((record) => this.take(record, now, clear));
    for (const agent of [...this.known.values()]) {
      // One that has registered a moment ago may have done so after this was read.
      const isNew = now.getTime() - agent.registeredAt.getTime() < this.times.deadAfter;
      if (!read.has(agent.id) && !isNew) events.push(...this.forget(agent));
    }
    return events;
  }

  /** An instance has registered. */
  joined(record: AgentRecord): RegistryEvent[] {
    const known = this.known.get(record.id);
    return known && !isNewer(record, known) ? [] : this.enter(record, record.heartbeatAt);
  }

  /** An instance has left by its own will. */
  left({ id, instance }: Pick<AgentRecord, 'id' | 'instance'>): RegistryEvent[] {
    const known = this.known.get(id);
    return known?.instance === instance ? this.become(known, 'stopped') : [];
  }

  /** An instance can do more, or less, or has other circuits, than was known. */
  updated({ id, instance, sequence, capabilities, ...said }: AgentUpdate): void {
    const known = this.known.get(id);
    if (known?.instance !== instance || known.stopped || sequence <= known.sequence) return;
    const { circuits = known.circuits } = said;
    this.known.set(id, { ...known, sequence, capabilities, circuits });
  }

  private take(record: AgentRecord, now: Date, clear: boolean): RegistryEvent[] {
    const known = this.known.get(record.id);
    if (!known || isNewer(record, known)) {
      const events = this.enter(record, now);
      return record.stopped || !clear ? events : [...events, ...this.judge(record.id, now, clear)];
    }
    // Read before what is known was told.
    const isLate = record.sequence < known.sequence || (known.stopped && !record.stopped);
    if (isNewer(known, record) || isLate) return [];
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

/** A later registration. They are counted from 1 again once the id was forgotten: it is then later all the same. */
const isNewer = (record: AgentRecord, known: AgentRecord): boolean =>
  record.incarnation > known.incarnation || record.registeredAt > known.registeredAt;
