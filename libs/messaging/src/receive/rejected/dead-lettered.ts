import { Logger } from '@nestjs/common';
import type { Consumer, DeadLettered } from 'agentmq/broker';
import { formatRecipient, fromWire, type Message, type Recipient, toWireError } from 'agentmq/protocol';
import type { Rejection } from 'agentmq/message-store';
import { RepeatedLog } from 'agentmq/telemetry';
import { BrokerDeadLetteredError } from '../../errors.js';
import type { ReceivingDependencies } from '../dependencies.js';
import { ForeignMessages } from './foreign-messages.js';
import { whileStoreIsAway } from 'agentmq/database';
import { recordRejection } from './rejections.js';
import { tellEnded } from './tell.js';

/** The most dead letters held at once. */
const PREFETCH = 50;

/** What came neither to an inbox of ours nor by an exchange of ours. */
const UNKNOWN: Recipient = { kind: 'role', name: 'unknown' };

/**
 * Takes what the broker itself takes out of a queue, so that no message vanishes without a row that says why. All agents of
 * a namespace share this. Anything may be published to the dead-letter exchange, so a letter ends nothing: a delivery that
 * is on record ends by the record alone, and is put on its way again while it has time. What the store does not know is
 * recorded as the letter says. A transient message of ours that ran out of time is counted only: no consumer is owed it, and
 * what an agent that is away misses (heartbeats) would fill the store.
 */
export class DeadLetteredInbox {
  /** Tells once of each consumer whose queues drop early. */
  private readonly log = new RepeatedLog(new Logger('DeadLetters'), { everyMs: Infinity });
  private readonly stopping = new AbortController();
  private readonly foreign: ForeignMessages;
  private subscription: Consumer | undefined;

  constructor(private readonly dependencies: Pick<ReceivingDependencies, 'broker' | 'store' | 'metrics' | 'now'>) {
    this.foreign = new ForeignMessages(dependencies.store);
  }

  /** Resolves when dead letters flow. */
  async start(): Promise<void> {
    this.subscription = await this.dependencies.broker.consumeDeadLetters({ prefetch: PREFETCH }, (letter) =>
      this.receive(letter),
    );
  }

  /** Gives back what is not recorded within `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    await this.subscription?.close(timeoutMs);
    this.stopping.abort();
  }

  private async receive(letter: DeadLettered): Promise<void> {
    const recipient = letter.recipient ?? letter.owner ?? UNKNOWN;
    const { message: read } = fromWire(recipient, letter);
    const early = this.isEarly(letter, read);
    const expired = letter.reason === 'expired' && !early;
    this.dependencies.metrics.received('other', 'dead_lettered');
    if (expired && read.transient) return;
    const consumer = formatRecipient(letter.owner ?? recipient);
    if (early) this.warn(consumer, letter.reason);
    const reason = early ? `${letter.reason} before its time` : letter.reason;
    const error = toWireError(new BrokerDeadLetteredError(reason));
    const rejection: Rejection = { message: read, consumer, state: expired ? 'expired' : 'dead', error };
    await recordRejection(rejection, (given) =>
      whileStoreIsAway(this.stopping.signal, async () => {
        const message = await this.foreign.admit(given.message);
        const [known] = await this.dependencies.store.deliveries.takeBack([{ messageId: message.messageId, consumer }]);
        // A copy that was published for another consumer: this one is not owed it.
        if (known === 'delivery' || (known === 'message' && message.copy !== undefined)) return;
        await this.dependencies.store.deliveries.reject([{ ...given, message }]);
        tellEnded(message, consumer, given.state, given.error);
      }),
    );
  }

  /** By a policy, or the queue's own arguments: the message had time left, or no end at all. */
  private isEarly({ reason, expiration }: DeadLettered, { expiresAt }: Message): boolean {
    if (reason === 'maxlen') return true;
    return reason === 'expired' && (expiresAt ? expiresAt > this.dependencies.now() : expiration === undefined);
  }

  private warn(consumer: string, reason: string): void {
    this.log.note(
      consumer,
      `${consumer}: the broker takes messages out of its queues before their time is over (${reason}): ` +
        'see policies and queue arguments at the broker. What is stored goes on its way again',
    );
  }
}
