import type { Candidate } from '../../distribution/balancing/strategy.js';
import type { Holding } from '../store/dispatch-store.js';

/** An agent is given twice what it can do at once, so that it need not wait for the next. */
const ROOM_FACTOR = 2;

type Agent = Pick<Candidate, 'id' | 'concurrency'>;

/** The places of agents: each can do `concurrency` tasks at once, those included that wait for parts of theirs. */
export class AgentPlaces {
  /** How many tasks each agent has, by its id. */
  readonly held = new Map<string, number>();
  private readonly waiting = new Map<string, number>();

  constructor(holdings: readonly Holding[]) {
    for (const { agentId, held, waiting } of holdings) {
      this.held.set(agentId, (this.held.get(agentId) ?? 0) + held);
      this.waiting.set(agentId, (this.waiting.get(agentId) ?? 0) + waiting);
    }
  }

  /** The most tasks that an agent is given. One that waits for others is given nothing ahead: it may wait for long. */
  readonly roomOf = ({ id, concurrency }: Agent): number =>
    (this.waiting.get(id) ?? 0) > 0 ? concurrency : ROOM_FACTOR * concurrency;

  /** Whether an agent can begin nothing until parts are done by others. */
  isBlocked({ id, concurrency }: Agent): boolean {
    return (this.waiting.get(id) ?? 0) >= concurrency;
  }
}
