import { createHash } from 'node:crypto';
import { type ContractDefinition, MAX_SHORT_BYTES, type Message, newMessageId } from 'agentmq/protocol';
import type { ConsumerName, DeliveryError, Rejection } from 'agentmq/message-store';
import { RefusedDataError } from 'agentmq/database';
import { Batcher } from '../../batcher.js';
import { MessageExpiredError } from '../../errors.js';
import type { ReceivingDependencies } from '../dependencies.js';
import type { Answerer } from '../steps/answerer.js';
import type { Claims } from '../steps/claims.js';
import { ASKER_TOLD, errorRecord } from './error-record.js';
import { ForeignMessages } from './foreign-messages.js';
import { tellEnded } from './tell.js';

/** Puts on record what comes to an inbox and is handled by no claim. Waits for a store that is away. */
export class Rejections {
  private readonly foreign: ForeignMessages;
  private readonly batches: Batcher<Rejection, void>;

  constructor(
    private readonly dependencies: Pick<ReceivingDependencies, 'store' | 'metrics'>,
    private readonly claims: Pick<Claims, 'patiently'>,
    private readonly answerer: Answerer,
    private readonly consumer: ConsumerName,
  ) {
    const { store } = dependencies;
    this.foreign = new ForeignMessages(store);
    this.batches = new Batcher((batch) => store.deliveries.reject(batch));
  }

  /** Stores a message that no outbox published. Resolves with it under the id that it has here. */
  admit(message: Message): Promise<Message> {
    return this.claims.patiently(() => this.foreign.admit(message));
  }

  /** Ends a message that never reaches a handler. */
  async reject(message: Message, error: unknown, contract?: ContractDefinition): Promise<void> {
    const outcome = error instanceof MessageExpiredError ? 'expired' : 'rejected';
    const record = errorRecord(error, { message, contract });
    const state = outcome === 'expired' ? 'expired' : 'dead';
    const stored = await this.record(message, state, record);
    tellEnded(stored, this.consumer, state, record);
    this.dependencies.metrics.received(contract?.type ?? 'other', outcome);
    if (outcome === 'rejected' && (await this.answerer.fail(message, error, contract))) await this.discard(stored);
  }

  /** Records a message that never reached a handler, or a transient one whose handler failed. Resolves with it as it is stored. */
  async record(message: Message, state: Rejection['state'], error: DeliveryError): Promise<Message> {
    let stored = message;
    await recordRejection({ message, consumer: this.consumer, state, error }, async (given) => {
      stored = given.message.transient ? await this.admit(given.message) : given.message;
      await this.claims.patiently(() => this.batches.add({ ...given, message: stored }));
    });
    return stored;
  }

  /** What its asker was told needs no operator: it is on record, and the asker decides what follows. */
  async discard({ messageId }: Message): Promise<void> {
    const { replays } = this.dependencies.store;
    await this.claims.patiently(() => replays.discard([{ messageId, consumer: this.consumer }], ASKER_TOLD));
  }
}

/** Records a rejection by `record`. A message that the store can't hold as it is, is recorded as far as the store can hold it. */
export async function recordRejection(
  rejection: Rejection,
  record: (rejection: Rejection) => Promise<void>,
): Promise<void> {
  try {
    await record(rejection);
  } catch (error) {
    if (!(error instanceof RefusedDataError)) throw error;
    const { name, code, message, retryable } = rejection.error;
    await record({ ...rejection, message: storable(rejection.message), error: { name, code, message, retryable } });
  }
}

/** What is always storable of a message: its body, and names cut to the length that they have on the wire. */
function storable({ messageId, sender, recipient, type, body, correlationId, timestamp }: Message): Message {
  return {
    messageId: messageId === '' ? newMessageId() : bounded(messageId),
    sender: bounded(sender),
    recipient: { kind: recipient.kind, name: bounded(recipient.name) },
    timestamp: isStorable(timestamp) ? timestamp : new Date(),
    type: bounded(type),
    version: 1,
    priority: 0,
    attempt: 1,
    body,
    contentType: 'application/octet-stream',
    ...(correlationId === undefined ? {} : { correlationId: bounded(correlationId) }),
  };
}

/** The beginning of a text that is too long, and a digest, so that two of them stay two. */
function bounded(text: string): string {
  if (Buffer.byteLength(text) <= MAX_SHORT_BYTES) return text;
  const digest = createHash('sha256').update(text).digest('hex');
  const start = Buffer.from(text).subarray(0, MAX_SHORT_BYTES - digest.length - 8);
  return `${start.toString('utf8').replace(/\ufffd$/, '')}-${digest}`;
}

function isStorable(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1970 && year <= 9999;
}
