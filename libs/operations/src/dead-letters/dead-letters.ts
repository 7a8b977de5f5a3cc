import {
  type ContractDefinition,
  formatRecipient,
  HEADER,
  InvalidMessageError,
  keysOf,
  type Message,
  newMessageId,
  traceFor,
} from 'agentmq/protocol';
import type {
  DeadLetterFilter,
  DeliveryRef,
  StoredDeadLetter,
  StoredDelivery,
  StoredMessage,
  Store,
} from 'agentmq/message-store';
import { checkSize, childOf, inboxOf, isSealed } from 'agentmq/messaging';
import type { Audit } from '../audit/audit.js';
import { cursorOf, readCursor } from '../views/cursor.js';
import { DeliveryNotFoundError, NotDeadError } from '../errors.js';
import type { Actor, DeadLetterGroup } from '../views/changes.js';
import { DEFAULT_LIMIT, type Page, type PageQuery } from '../views/page.js';
import { agreeing, briefly, groupId, groupSelection, groupView } from './groups.js';

export interface DeadLettersOptions {
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

/** Which dead letters are listed; all that is given has to hold. */
export interface DeadLetterQuery extends PageQuery, Omit<DeadLetterFilter, 'errorGroup' | 'version'> {
  /** The id of a group. */
  readonly group?: string;
}

/** One message at one consumer, in a list of what is dead. */
export interface DeadLetterRow {
  readonly id: string;
  readonly consumer: string;
  readonly type: string;
  readonly version: number;
  readonly sender: string;
  readonly sentAt: Date;
  readonly attempts: number;
  readonly error: { readonly name: string; readonly code: string; readonly message: string } | null;
  /** The id of its group. */
  readonly group: string;
  readonly firstFailedAt: Date | null;
  readonly lastFailedAt: Date | null;
  readonly discarded: StoredDelivery['discarded'];
}

const REQUEUED = ['dead', 'expired'] as const;

/** Messages that could not be handled: read, put on their way again, replaced or discarded. Needs no broker. */
export class DeadLetters {
  constructor(
    private readonly store: Pick<Store, 'database' | 'outbox' | 'history' | 'replays' | 'deadLetters' | 'search'>,
    private readonly audit: Audit,
    private readonly options: DeadLettersOptions,
  ) {}

  /** The newest message first. Rejects with `InvalidSelectionError` for an `after` or a `group` that is none. */
  async list({ limit = DEFAULT_LIMIT, after, group, ...given }: DeadLetterQuery = {}): Promise<Page<DeadLetterRow>> {
    const [storedAt = '', messageId = '', consumer = ''] = after === undefined ? [] : readCursor(after, 3);
    const place = after === undefined ? undefined : { storedAt, messageId, consumer };
    const filter = group === undefined ? given : { ...given, ...agreeing(given, groupSelection(group)) };
    const letters = await this.store.deadLetters.list(filter, { limit, after: place });
    const last = letters.length < limit ? undefined : letters.at(-1);
    return {
      items: letters.map(rowOf),
      ...(last ? { next: cursorOf(last.storedAt, last.messageId, last.consumer) } : {}),
    };
  }

  /** What failed alike, the group whose latest failure is the newest first; see {@link DeadLetterGroup}. Rejects as `list` does. */
  async groups({
    limit = DEFAULT_LIMIT,
    after,
    ...filter
  }: Pick<DeadLetterQuery, 'type' | 'consumer' | keyof PageQuery> = {}): Promise<Page<DeadLetterGroup>> {
    const [at, id] = after === undefined ? [] : readCursor(after, 2);
    const groups = (await this.store.deadLetters.groups(filter)).map(groupView);
    // What fails meanwhile moves to the front: the rest of the list is what failed no later.
    const rest =
      at === undefined
        ? groups
        : groups
            .slice(groups.findIndex((each) => each.id === id) + 1)
            .filter(({ lastAt }) => lastAt.toISOString() <= at);
    const items = rest.slice(0, limit);
    const last = rest.length > limit ? items.at(-1) : undefined;
    return { items, ...(last ? { next: cursorOf(last.lastAt.toISOString(), last.id) } : {}) };
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
  async requeue(actor: Actor, { messageId, consumer }: DeliveryRef): Promise<void> {
    const entry = { action: 'dead-letters.requeue', target: targetOf({ messageId, consumer }) };
    const also = this.audit.inBatches(actor, entry);
    const selection = { messageIds: [messageId], consumer, states: REQUEUED };
    const { matched } = await this.store.replays.replay(selection, { also });
    if (matched === 0) await this.refuse({ messageId, consumer });
  }

  /**
   * Sends a new message with another payload (JSON text) to that consumer in place of the dead one, which is discarded
   * in the same transaction. Resolves with the new message's id when that is committed. Rejects with
   * `InvalidMessageError` (payload), `DeliveryNotFoundError` or `NotDeadError`. Whether the payload keeps its contract
   * is found out where it is handled. It is found by the keys of `contract`; without it by those that the old one had.
   */
  async requeueEdited(
    actor: Actor,
    ref: DeliveryRef,
    payload: string,
    contract?: Pick<ContractDefinition, 'keys'>,
  ): Promise<string> {
    const { body, value } = this.bodyOf(payload);
    const { stored } = await this.read(ref);
    const old = stored.message;
    if (isSealed(old)) throw new InvalidMessageError('payload', 'is sealed, and is not replaced by one in clear');
    const now = await this.store.database.now();
    const trace = childOf(old.trace ?? traceFor(old.messageId));
    const keys = keysOf(contract ?? { keys: await this.keyNames(ref.messageId) }, value);
    const own = { body, trace, timestamp: now, sender: this.options.sender, ...(keys ? { keys } : {}) };
    const message = replacement(old, ref, own);
    await this.store.database.ownTransaction(async (transaction) => {
      const owner = this.options.sender;
      const [discarded] = await this.store.replays.discard([ref], `replaced by ${message.messageId}`, transaction);
      if (!discarded) await this.refuse(ref);
      await this.store.outbox.append([message], { owner, transaction });
      const entry = {
        action: 'dead-letters.replace',
        target: targetOf(ref),
        reason: `by ${message.messageId}`,
        rows: 1,
      };
      await this.audit.record(actor, entry, transaction);
    });
    return message.messageId;
  }

  /** Marks a dead letter as dealt with. Rejects with `DeliveryNotFoundError` or `NotDeadError`. */
  async discard(actor: Actor, ref: DeliveryRef, reason: string): Promise<void> {
    if (reason.trim() === '') throw new InvalidMessageError('reason', 'is empty');
    await this.store.database.ownTransaction(async (transaction) => {
      const [discarded] = await this.store.replays.discard([ref], reason, transaction);
      if (!discarded) await this.refuse(ref);
      await this.audit.record(
        actor,
        { action: 'dead-letters.discard', target: targetOf(ref), reason, rows: 1 },
        transaction,
      );
    });
  }

  private async refuse(ref: DeliveryRef): Promise<never> {
    const { delivery } = await this.read(ref);
    throw new NotDeadError(ref.messageId, ref.consumer, delivery.state);
  }

  private async keyNames(messageId: string): Promise<string[]> {
    const keys = await this.store.search.keysOf([messageId]);
    return (keys.get(messageId) ?? []).map(({ name }) => name);
  }

  private bodyOf(payload: string): { readonly body: Buffer; readonly value: object } {
    let value: unknown;
    try {
      value = JSON.parse(payload);
    } catch (error) {
      throw new InvalidMessageError('payload', 'is not JSON', { cause: error });
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new InvalidMessageError('payload', 'is not a JSON object');
    }
    return { body: checkSize(Buffer.from(payload), this.options.maxMessageBytes), value };
  }
}

const targetOf = ({ messageId, consumer }: DeliveryRef): string => `${messageId} at ${consumer}`;

const rowOf = (letter: StoredDeadLetter): DeadLetterRow => {
  const { messageId, consumer, type, version, sender, sentAt, attempt, error } = letter;
  const { firstFailedAt, lastFailedAt, discarded } = letter;
  return {
    id: messageId,
    consumer,
    type,
    version,
    sender,
    sentAt,
    attempts: attempt,
    error: error && briefly(error),
    group: groupId(letter),
    firstFailedAt,
    lastFailedAt,
    discarded,
  };
};

const isDead = ({ state }: StoredDelivery): boolean => state === 'dead' || state === 'expired';

/** Addressed to the one consumer, and handled there as what was sent to the old one's recipient: a topic perhaps. */
function replacement(
  old: Message,
  { consumer }: DeliveryRef,
  own: Pick<Message, 'body' | 'trace' | 'timestamp' | 'sender' | 'keys'>,
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
