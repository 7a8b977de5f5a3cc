import { InvalidMessageError } from 'agentmq/protocol';
import type { ConsumerName, Store, StoredPause } from 'agentmq/message-store';
import type { Audit } from '../audit/audit.js';
import { consumersOf } from '../consumers.js';
import { NotPausedError, UnknownConsumerError } from '../errors.js';
import type { Actor } from '../views/changes.js';
import type { Pause } from '../views/system.js';

/** Pauses and resumes what agents take: for the next heartbeat of each agent, or at once where `tell` reaches them. */
export class Pauses {
  constructor(
    private readonly store: Pick<Store, 'database' | 'pauses' | 'agents'>,
    private readonly audit: Audit,
    /** Tells the agents that something has changed. Without it they learn it with their next heartbeat. */
    private readonly tell: (target: ConsumerName) => void = () => undefined,
  ) {}

  async list(): Promise<Pause[]> {
    return (await this.store.pauses.list()).map(pauseView);
  }

  /**
   * `role.worker`: no agent of the role reads its inbox, also none that starts later; `agent.worker-1`: that agent takes nothing at all.
   * What agents have in their hands they finish; with `drain` the record tells when an agent has nothing left. Pausing it again changes
   * the reason. Rejects with {@link UnknownConsumerError}, and with `InvalidMessageError` for a blank reason or a role that is to drain.
   */
  async pause(actor: Actor, target: ConsumerName, reason: string, drain = false): Promise<Pause> {
    if (reason.trim() === '') throw new InvalidMessageError('reason', 'is empty');
    if (drain && !target.startsWith('agent.'))
      throw new InvalidMessageError('target', 'an agent is drained, not a role');
    await this.checkKnown(target);
    const paused = await this.store.database.ownTransaction(async (transaction) => {
      const stored = await this.store.pauses.put({ target, drain, by: actor.name, reason }, transaction);
      const action = drain ? 'agent.drain' : `${kindOf(target)}.pause`;
      await this.audit.record(actor, { action, target, reason, rows: 1 }, transaction);
      return stored;
    });
    this.tell(target);
    return pauseView(paused);
  }

  /** Resolves with the pause that is over. Rejects with {@link NotPausedError}. */
  async resume(actor: Actor, target: ConsumerName, reason?: string): Promise<Pause> {
    const ended = await this.store.database.ownTransaction(async (transaction) => {
      const stored = await this.store.pauses.remove(target, transaction);
      if (!stored) throw new NotPausedError(target);
      const why = reason === undefined ? {} : { reason };
      await this.audit.record(actor, { action: `${kindOf(target)}.resume`, target, ...why, rows: 1 }, transaction);
      return stored;
    });
    this.tell(target);
    return pauseView(ended);
  }

  /** A name that no agent has is a slip of the pen. */
  private async checkKnown(target: ConsumerName): Promise<void> {
    const { agents } = await this.store.agents.read();
    if (!agents.some((agent) => consumersOf(agent).includes(target))) throw new UnknownConsumerError(target);
  }
}

const kindOf = (target: ConsumerName): string => (target.startsWith('agent.') ? 'agent' : 'consumer');

/** A pause as operators see it. */
export const pauseView = ({ target, since, by, reason, drain, drainedAt }: StoredPause): Pause => ({
  target,
  since,
  by,
  reason,
  drain,
  ...(drain ? { drained: drainedAt !== null } : {}),
});
