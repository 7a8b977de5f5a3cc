import { type Broker, BrokerClosedError, NoRecipientError, QueueFullError } from 'agentmq/broker';
import { AgentMQError, errorText, isToMany, toWireError } from 'agentmq/protocol';
import { type OutboxEntry, targetOf } from 'agentmq/message-store';
import type { Tracing } from '../tracing/tracing.js';
import type { Bound } from './capacity/bound.js';
import type { SendCapacity } from './capacity/send-capacity.js';
import { publicationOf } from './publication.js';
import type { Settler } from './settler.js';

/** Publishes outbox entries, and has them settled: those that were just committed, and those that the relay found. */
export class EntryPublisher {
  constructor(
    private readonly broker: Broker,
    private readonly settler: Settler,
    private readonly capacity: SendCapacity,
    private readonly now: () => Date,
    private readonly tracing: Tracing,
    private readonly report: (what: string, error: unknown) => void,
  ) {}

  /** Publishes an entry that has entered `bound`; it leaves when it is settled or given back. Never throws. */
  publish(entry: OutboxEntry, bound: Bound): void {
    const span = this.tracing.spans.publishing(entry.message, entry.consumer);
    const failed = (error: unknown): void => {
      span?.end({ error: toWireError(error) });
      void this.failed(entry, error, bound);
    };
    const published = (): void => {
      span?.end();
      this.published(entry, bound);
    };
    try {
      this.broker.publish(publicationOf(entry, this.now())).then(published, failed);
    } catch (error) {
      failed(error);
    }
  }

  private published(entry: OutboxEntry, bound: Bound): void {
    this.tracePublished(entry);
    this.capacity.accepted(entry);
    void this.settler.settle(entry, bound);
  }

  /** A copy for one consumer is told of by what that does with it. */
  private tracePublished({ message, consumer }: OutboxEntry, error?: unknown): void {
    if (consumer === undefined) this.tracing.sent(message, error);
  }

  private async failed(entry: OutboxEntry, error: unknown, bound: Bound): Promise<void> {
    this.tracePublished(entry, error);
    try {
      await this.giveBack(entry, error);
    } catch (failure) {
      this.report('postpone', failure);
    }
    bound.leave(entry.message.body.length);
  }

  private async giveBack(entry: OutboxEntry, error: unknown): Promise<void> {
    // No later attempt can succeed.
    if (error instanceof AgentMQError && !error.retryable && !(error instanceof BrokerClosedError)) {
      return this.settler.bury(entry, error);
    }
    const full = error instanceof QueueFullError;
    // All but the full ones have it: they are not to get it again, nor is the topic held up.
    if (full && entry.consumer === undefined && isToMany(entry.message.recipient)) return this.settler.split(entry);
    // A full queue is not a failed attempt: it is tried again without counting.
    const delay = full ? { delayMs: this.capacity.full.refused(targetOf(entry)) } : {};
    const refused = full || error instanceof NoRecipientError;
    await this.settler.giveBack({ entry, error: errorText(error), refused, ...delay });
  }
}
