import { formatRecipient, HEADER, InvalidMessageError, type Message, newMessageId, traceFor } from 'agentmq/protocol';
import type {
  DeliveryRef,
  MessageFilter,
  ReplaySelection,
  StoredDelivery,
  StoredMessage,
  Store,
} from 'agentmq/message-store';
import { DeliveryNotFoundError, NotDeadError } from '../errors.js';
import { isSealed } from '../sealing/sealer.js';
import { checkSize } from '../send/composer.js';
import { inboxOf } from '../send/publication.js';
import { childOf } from '../tracing/trace-context.js';
import { Replayer, type ReplayerOptions, type ReplayProgress, type ReplayRun } from './replayer.js';

export interface DeadLettersOptions extends ReplayerOptions {
  /** Sender of messages that replace others: an agent id, or a name such as `operator`. */
  readonly sender: string;
  /** The largest body that may be sent, in bytes. */
  readonly maxMessageBytes: number;
}

/** A message, and its delivery that is dead. */
export interface DeadLetter {
  readonly stored: StoredMessage;
  readonly delivery: StoredDelivery;
}

const REQUEUED = ['dead', 'expired'] as const;

/** Messages that could not be handled: read, put on their way again, replaced or discarded. Needs no broker. */
export class DeadLetters {
  private readonly replayer: Replayer;

  constructor(
    private readonly store: Pick<Store, 'database' | 'outbox' | 'history' | 'replays'>,
    private readonly options: DeadLettersOptions,
  ) {
    this.replayer = new Replayer(store, options);
  }

  /** In the order in which they were stored, without their bodies, as `HistoryStore.list` pages. */
  async list(filter: Omit<MessageFilter, 'state'> = {}): Promise<StoredMessage[]> {
    return this.store.history.list({ bodies: false, ...filter, state: 'dead' });
  }

  /** Rejects with `DeliveryNotFoundError` or `NotDeadError`. An expired message is read as a dead one is. */
  async read(ref: DeliveryRef): Promise<DeadLetter> {
    const stored = await this.store.history.find(ref.messageId);
    const delivery = stored?.deliveries.find(({ consumer }) => consumer === ref.consumer);
    if (!stored || !delivery) throw new DeliveryNotFoundError(ref.messageId, ref.consumer);
    if (!isDead(delivery)) throw new NotDeadError(ref.messageId, ref.consumer, delivery.state);
    return { stored, delivery };
  }

  /**
   * Puts the same message on its way to that consumer again, with all its attempts and its whole time to live. Resolves
   * when that is committed. Rejects with `DeliveryNotFoundError` or `NotDeadError`.
   */
  async requeue({ messageId, consumer }: DeliveryRef): Promise<void> {
    const { matched } = await this.store.replays.replay({ messageIds: [messageId], consumer, states: REQUEUED });
    if (matched === 0) await this.refuse({ messageId, consumer });
  }

  /** Requeues all that the selection holds: what is dead, unless `states` says otherwise. Resolves as `Replayer` does. */
  async requeueAll(
    selection: Omit<ReplaySelection, 'quietMs'>,
    run: Omit<ReplayRun, 'to'> = {},
  ): Promise<ReplayProgress> {
    return this.replayer.replay({ states: ['dead'], ...selection }, run);
  }

  /**
   * Sends a new message with another payload (JSON text) to that consumer in place of the dead one, which is discarded
   * in the same transaction. Resolves with the new message's id when that is committed. Rejects with
   * `InvalidMessageError` (payload), `DeliveryNotFoundError` or `NotDeadError`. Whether the payload keeps its contract
   * is found out where it is handled.
   */
  async requeueEdited(ref: DeliveryRef, payload: string): Promise<string> {
    const body = this.bodyOf(payload);
    const { stored } = await this.read(ref);
    const old = stored.message;
    if (isSealed(old)) throw new InvalidMessageError('payload', 'is sealed, and is not replaced by one in clear');
    const now = await this.store.database.now();
    const trace = childOf(old.trace ?? traceFor(old.messageId));
    const message = replacement(old, ref, { body, trace, timestamp: now, sender: this.options.sender });
    await this.store.database.transaction(async (transaction) => {
      const owner = this.options.sender;
      const [discarded] = await this.store.replays.discard([ref], `replaced by ${message.messageId}`, transaction);
      if (!discarded) await this.refuse(ref);
      await this.store.outbox.append([message], { owner, transaction });
    });
    return message.messageId;
  }

  /** Marks a dead letter as dealt with. Rejects with `DeliveryNotFoundError` or `NotDeadError`. */
  async discard(ref: DeliveryRef, reason: string): Promise<void> {
    if (reason.trim() === '') throw new InvalidMessageError('reason', 'is empty');
    const [discarded] = await this.store.replays.discard([ref], reason);
    if (!discarded) await this.refuse(ref);
  }

  private async refuse(ref: DeliveryRef): Promise<never> {
    const { delivery } = await this.read(ref);
    throw new NotDeadError(ref.messageId, ref.consumer, delivery.state);
  }

  private bodyOf(payload: string): Buffer {
    let value: unknown;
    try {
      value = JSON.parse(payload);
    } catch (error) {
      throw new InvalidMessageError('payload', 'is not JSON', { cause: error });
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new InvalidMessageError('payload', 'is not a JSON object');
    }
    return checkSize(Buffer.from(payload), this.options.maxMessageBytes);
  }
}

const isDead = ({ state }: StoredDelivery): boolean => state === 'dead' || state === 'expired';

/** Addressed to the one consumer, and handled there as what was sent to the old one's recipient: a topic perhaps. */
function replacement(
  old: Message,
  { consumer }: DeliveryRef,
  own: Pick<Message, 'body' | 'trace' | 'timestamp' | 'sender'>,
): Message {
  const sentTo = formatRecipient(old.recipient);
  const headers = { ...old.headers, ...(sentTo === consumer ? {} : { [HEADER.recipient]: sentTo }) };
  return {
    ...own,
    messageId: newMessageId(),
    recipient: inboxOf(consumer),
    type: old.type,
    version: old.version,
    priority: old.priority,
    causationId: old.messageId,
    attempt: 1,
    contentType: 'application/json',
    ...(old.ttl === undefined ? {} : { ttl: old.ttl, expiresAt: new Date(own.timestamp.getTime() + old.ttl) }),
    ...(old.correlationId === undefined ? {} : { correlationId: old.correlationId }),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
  };
}
