import { MessageTooLargeError } from 'agentmq/broker';
import {
  checkHeaders,
  checkPriority,
  checkShort,
  checkTtl,
  type ContractDefinition,
  DEFAULT_PRIORITY,
  InvalidMessageError,
  type Message,
  newMessageId,
  type Recipient,
  writePayload,
} from 'agentmq/protocol';
import type { DurableSendOptions, MessageBusOptions, PreparedMessage } from '../bus-options.js';
import { currentCause, nextTrace } from '../flow.js';
import { childOf } from '../tracing/trace-context.js';

/** The last moment of a four-digit year, which RFC 3339 ends with. */
const LAST_TIME = Date.UTC(10_000, 0, 1) - 1;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

const JSON_TYPE = 'application/json';
/** Node's longest timer, in ms. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Makes the envelopes of what this agent sends. Times are the database's. */
export class Composer {
  constructor(
    private readonly options: Pick<MessageBusOptions, 'agentId' | 'defaultTtlMs' | 'maxMessageBytes'>,
    private readonly now: () => Date,
    /** Whether a trace that begins here is recorded. */
    private readonly sample: () => boolean,
  ) {}

  /** A request is its own correlation. Throws `ContractViolationError`, `InvalidMessageError` that names the option, or `MessageTooLargeError`. */
  compose<P extends object>(
    recipient: Recipient,
    contract: ContractDefinition<P>,
    payload: P,
    options: DurableSendOptions,
    durable: boolean,
    isRequest = false,
  ): Message {
    const priority = checkPriority(options.priority ?? DEFAULT_PRIORITY);
    const ttl = checkTtl(options.ttl ?? this.options.defaultTtlMs);
    if (options.headers) checkHeaders(options.headers);
    if (options.correlationId) checkShort('correlationId', options.correlationId);
    const timestamp = this.now();
    const deliverAt = deliveryTime(options, timestamp, durable);
    const body = checkSize(Buffer.from(writePayload(contract, payload)), this.options.maxMessageBytes);
    const messageId = newMessageId();
    const message: Writable<Message> = {
      messageId,
      sender: this.options.agentId,
      recipient,
      timestamp,
      type: contract.type,
      version: contract.version,
      priority,
      ttl,
      expiresAt: new Date((deliverAt ?? timestamp).getTime() + ttl),
      trace: nextTrace(this.sample),
      attempt: 1,
      body,
      contentType: JSON_TYPE,
    };
    const causationId = currentCause();
    if (causationId !== undefined) message.causationId = causationId;
    if (deliverAt) message.deliverAt = deliverAt;
    if (isRequest) message.correlationId = messageId;
    else if (options.correlationId) message.correlationId = options.correlationId;
    if (options.headers) message.headers = options.headers;
    if (!durable) message.transient = true;
    return message;
  }

  /** Throws `InvalidMessageError` that names the field, or `MessageTooLargeError`. */
  envelop({ payload, trace, contentType = JSON_TYPE, ...fields }: PreparedMessage): Message {
    const body = checkSize(Buffer.from(payload), this.options.maxMessageBytes);
    checkPriority(fields.priority);
    if (fields.headers) checkHeaders(fields.headers);
    for (const field of ['messageId', 'type', 'correlationId'] as const) {
      const value = fields[field];
      if (value !== undefined) checkShort(field, value);
    }
    const timestamp = this.now();
    return {
      ...fields,
      sender: this.options.agentId,
      timestamp,
      expiresAt: new Date(timestamp.getTime() + checkTtl(fields.ttl)),
      trace: trace ? childOf(trace) : nextTrace(this.sample),
      attempt: 1,
      body,
      contentType,
    };
  }
}

/** Throws `MessageTooLargeError`. */
export function checkSize(body: Buffer, mostBytes: number): Buffer {
  if (body.length > mostBytes) throw new MessageTooLargeError(body.length, mostBytes);
  return body;
}

/** Throws `InvalidMessageError` unless `wait` is from 0 to 2^31 - 1 ms. */
export function checkWait(wait: number): number {
  if (!(wait >= 0 && wait <= LONGEST_WAIT_MS)) {
    throw new InvalidMessageError('wait', `${wait} is not from 0 to ${LONGEST_WAIT_MS} ms`);
  }
  return wait;
}

/** Undefined when the message may be delivered at once. */
function deliveryTime({ delay, deliverAt }: DurableSendOptions, now: Date, durable: boolean): Date | undefined {
  const field = deliverAt === undefined ? 'delay' : 'deliverAt';
  if (delay === undefined && deliverAt === undefined) return undefined;
  if (delay !== undefined && deliverAt !== undefined) {
    throw new InvalidMessageError('deliverAt', 'and delay can not both be given');
  }
  if (!durable) throw new InvalidMessageError(field, 'is for durable messages only');
  if (delay !== undefined && !(delay >= 0)) throw new InvalidMessageError('delay', `${delay} is not 0 ms or more`);
  const at = new Date(deliverAt ?? now.getTime() + (delay ?? 0));
  // Written so that an invalid Date, which compares with nothing, is refused as well.
  if (!(at.getTime() >= 0 && at.getTime() <= LAST_TIME)) {
    throw new InvalidMessageError(field, 'is not a time from 1970 to 9999');
  }
  return at > now ? at : undefined;
}
