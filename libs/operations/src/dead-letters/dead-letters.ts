import {
  type ContractCatalogue,
  formatRecipient,
  HEADER,
  InvalidMessageError,
  keysOf,
  type Message,
  newMessageId,
  traceFor,
  validatePayload,
} from 'agentmq/protocol';
import type {
  ConsumerName,
  DeadLetterFilter,
  DeliveryRef,
  DeliveryState,
  StoredDeadLetter,
  StoredDelivery,
  StoredMessage,
  Store,
} from 'agentmq/message-store';
import { checkSize, childOf, inboxOf, isSealed } from 'agentmq/messaging';
import type { Audit } from '../audit/audit.js';
import { cursorOf, readCursor } from '../views/cursor.js';
import { DeliveryNotFoundError, MessageNotFoundError, NotDeadError, SeveralConsumersError } from '../errors.js';
import type { Actor, DeadLetterGroup } from '../views/changes.js';
import { DEFAULT_LIMIT, type Page, pageUpTo, type PageQuery } from '../views/page.js';
import { agreeing, briefly, groupId, groupSelection, groupView } from './groups.js';

export interface DeadLettersOptions {
  /** Sender of messages that replace others: an agent id, or a name such as `operator`. */
  readonly sender: string;
  /** The largest body that may be sent, in bytes. */
  readonly maxMessageBytes: number;
  /** By these edited payloads are checked; without them, where they are handled. */
  readonly contracts?: ContractCatalogue;
}

/** A dead letter: at one consumer, or (without one) wherever the message is dead. */
export interface LetterRef {
  readonly messageId: string;
  readonly consumer?: ConsumerName | undefined;
}

/** A message, and the consumers that a change of it concerns. */
export interface Located {
  readonly stored: StoredMessage;
  readonly consumers: readonly ConsumerName[];
}

/** Asks whether what is dead at these consumers is to be changed; rejects if not. */
export type Ask = (consumers: readonly ConsumerName[]) => Promise<void>;

/** What was discarded, and where. */
export interface Discarded {
  readonly id: string;
  readonly consumers: readonly ConsumerName[];
}

/** What was put on its way. */
export interface Requeued extends Discarded {
  /** The id of the message that took the place of the old one. */
  readonly replacedBy?: string;
}

/** A {@link Requeued} of an edited payload. */
export type Replaced = Required<Requeued>;

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
    const placeOf = (last: StoredDeadLetter): string => cursorOf(last.storedAt, last.messageId, last.consumer);
    const { items, ...next } = pageUpTo(limit, letters, placeOf);
    return { items: items.map(rowOf), ...next };
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

  /**
   * Where a message is dead: at the consumer that is named, discarded or not, else wherever it was not discarded. Rejects with
   * {@link MessageNotFoundError}, {@link DeliveryNotFoundError} or {@link NotDeadError}.
   */
  async where({ messageId, consumer }: LetterRef, states: readonly DeliveryState[] = ['dead']): Promise<Located> {
    const stored = await this.store.history.find(messageId);
    if (!stored) throw new MessageNotFoundError(messageId);
    const at = stored.deliveries.filter((each) => consumer === undefined || each.consumer === consumer);
    const dead = at.filter(
      ({ state, discarded }) => states.includes(state) && (consumer !== undefined || discarded === null),
    );
    if (dead.length > 0) return { stored, consumers: dead.map((each) => each.consumer) };
    const [other] = at;
    if (other) throw notDead(messageId, other);
    throw consumer === undefined ? new MessageNotFoundError(messageId) : new DeliveryNotFoundError(messageId, consumer);
  }

  /**
   * Puts the same message on its way again, with all its attempts and its whole time to live, where it is dead or has expired (see
   * {@link where}). `ask` is told the consumers before anything is changed; what it rejects with ends this. Resolves when that is
   * committed. Rejects as {@link where} does.
   */
  async requeue(actor: Actor, letter: LetterRef, ask?: Ask): Promise<Requeued> {
    const { messageId } = letter;
    const { consumers: found } = await this.where(letter, REQUEUED);
    await ask?.(found);
    const consumers = await this.store.database.ownTransaction(async (transaction) => {
      const done: ConsumerName[] = [];
      for (const consumer of found) {
        const selection = { messageIds: [messageId], consumer, states: REQUEUED };
        const options = { transaction, undiscarded: letter.consumer === undefined };
        const { replayed } = await this.store.replays.replay(selection, options);
        if (replayed > 0) done.push(consumer);
      }
      const entry = { action: 'dead-letters.requeue', target: targetOf(messageId, done), rows: done.length };
      if (done.length > 0) await this.audit.record(actor, entry, transaction);
      return done;
    });
    if (consumers.length === 0) await this.refuse(messageId, found);
    return { id: messageId, consumers };
  }

  /**
   * Sends a new message with another payload (JSON text) to the consumer where the message is dead or has expired; that one is discarded
   * in the same transaction. Resolves when that is committed. Rejects with `InvalidMessageError` or `ContractViolationError` (payload),
   * {@link SeveralConsumersError}, as {@link where} does, and with {@link NotDeadError} for one that was replaced or discarded before.
   * A payload whose contract is not known here is checked where it is handled, and found by the keys that the old one had.
   */
  async requeueEdited(actor: Actor, letter: LetterRef, payload: string): Promise<Replaced> {
    const { body, value } = this.bodyOf(payload);
    const { stored, consumers } = await this.where(letter, REQUEUED);
    const { messageId } = letter;
    const [consumer] = consumers;
    if (consumer === undefined || consumers.length > 1) throw new SeveralConsumersError(messageId, consumers);
    const old = stored.message;
    if (isSealed(old)) throw new InvalidMessageError('payload', 'is sealed, and is not replaced by one in clear');
    const contract = this.options.contracts?.find(old.type, old.version);
    if (contract) validatePayload(contract, value, old.version);
    const now = await this.store.database.now();
    const trace = childOf(old.trace ?? traceFor(old.messageId));
    const keys = keysOf(contract ?? { keys: await this.keyNames(messageId) }, value);
    const { sender: owner } = this.options;
    const own = { body, trace, timestamp: now, sender: owner, ...(keys ? { keys } : {}) };
    const ref = { messageId, consumer };
    const message = replacement(old, ref, own);
    const { messageId: replacedBy } = message;
    const isDone = await this.store.database.ownTransaction(async (transaction) => {
      const given = { states: REQUEUED, transaction };
      const [discarded] = await this.store.replays.discard([ref], `replaced by ${replacedBy}`, given);
      if (!discarded) return false;
      await this.store.outbox.append([message], { owner, transaction });
      const entry = { action: 'dead-letters.replace', target: targetOf(messageId, consumers), rows: 1 };
      await this.audit.record(actor, { ...entry, reason: `by ${replacedBy}` }, transaction);
      return true;
    });
    if (!isDone) await this.refuse(messageId, consumers);
    return { id: messageId, consumers, replacedBy };
  }

  /** Marks what is dead (see {@link where}) as dealt with. `ask` as of {@link requeue}. Rejects as {@link where} does. */
  async discard(actor: Actor, letter: LetterRef, reason: string, ask?: Ask): Promise<Discarded> {
    if (reason.trim() === '') throw new InvalidMessageError('reason', 'is empty');
    const { messageId } = letter;
    const { consumers: dead } = await this.where(letter);
    await ask?.(dead);
    const consumers = await this.store.database.ownTransaction(async (transaction) => {
      const refs = dead.map((consumer) => ({ messageId, consumer }));
      const discarded = await this.store.replays.discard(refs, reason, { transaction });
      const done = dead.filter((_, index) => discarded[index]);
      const entry = { action: 'dead-letters.discard', target: targetOf(messageId, done), reason, rows: done.length };
      if (done.length > 0) await this.audit.record(actor, entry, transaction);
      return done;
    });
    if (consumers.length === 0) await this.refuse(messageId, dead);
    return { id: messageId, consumers };
  }

  /** For what is no longer as it has to be at the consumers where it was tried. */
  private async refuse(messageId: string, tried: readonly ConsumerName[]): Promise<never> {
    const stored = await this.store.history.find(messageId);
    const delivery = stored?.deliveries.find(({ consumer }) => tried.includes(consumer));
    throw delivery ? notDead(messageId, delivery) : new MessageNotFoundError(messageId);
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

const targetOf = (messageId: string, consumers: readonly string[]): string => `${messageId} at ${consumers.join(', ')}`;

const notDead = (messageId: string, { consumer, state, discarded }: StoredDelivery): NotDeadError =>
  new NotDeadError(messageId, consumer, state, discarded?.reason);

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
