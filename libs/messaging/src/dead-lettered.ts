import type { Broker, Consumer, DeadLettered } from 'agentmq/broker';
import { formatRecipient, fromWire, type Recipient, toWireError } from 'agentmq/contracts';
import type { MessageStore } from 'agentmq/message-store';
import type { Metrics } from 'agentmq/telemetry';
import { BrokerDeadLetteredError } from './errors.js';
import { whileStoreIsAway } from './patience.js';

/** The most dead letters held at once. */
const PREFETCH = 50;

/** What came neither to an inbox of ours nor by an exchange of ours. */
const UNKNOWN: Recipient = { kind: 'role', name: 'unknown' };

/**
 * Records what the broker itself takes out of a queue, so that no message vanishes without a row that says why. All
 * agents of a namespace share this. A transient message of ours that ran out of time is counted only: nobody is owed it,
 * and what an agent that is away misses (heartbeats) would fill the store.
 */
export class DeadLetteredInbox {
  private readonly stopping = new AbortController();
  private subscription: Consumer | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly store: MessageStore,
    private readonly metrics: Metrics,
  ) {}

  /** Resolves when dead letters flow. */
  async start(): Promise<void> {
    this.subscription = await this.broker.consumeDeadLetters({ prefetch: PREFETCH }, (letter) => this.receive(letter));
  }

  /** Gives back what is not recorded within `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    await this.subscription?.close(timeoutMs);
    this.stopping.abort();
  }

  private async receive(letter: DeadLettered): Promise<void> {
    const recipient = letter.recipient ?? letter.owner ?? UNKNOWN;
    const { message } = fromWire(recipient, letter);
    const expired = letter.reason === 'expired';
    this.metrics.received('other', 'dead_lettered');
    if (expired && message.transient) return;
    const rejection = {
      message,
      consumer: formatRecipient(letter.owner ?? recipient),
      state: expired ? ('expired' as const) : ('dead' as const),
      error: toWireError(new BrokerDeadLetteredError(letter.reason)),
    };
    await whileStoreIsAway(this.stopping.signal, () => this.store.reject([rejection]));
  }
}
