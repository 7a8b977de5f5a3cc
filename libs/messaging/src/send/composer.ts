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
  type TraceContext,
  writeKeyed,
} from 'agentmq/protocol';
import { LONGEST_TIMER_MS } from 'agentmq/time';
import type { DurableSendOptions, MessageBusOptions } from '../bus-options.js';
import { currentCause } from '../flow.js';

/** The last moment of a four-digit year, which RFC 3339 ends with. */
const LAST_TIME = Date.UTC(10_000, 0, 1) - 1;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

const JSON_TYPE = 'application/json';

/** What of a message its sender does not choose. */
export interface Composed {
  readonly trace: TraceContext;
  readonly durable: boolean;
  readonly isRequest?: boolean;
}

/** Makes the envelopes of what this agent sends. Times are the database's. */
export class Composer {
  constructor(
    private readonly options: Pick<MessageBusOptions, 'agentId' | 'defaultTtlMs' | 'maxMessageBytes'>,
    private readonly now: () => Date,
  ) {}

  /** A request is its own correlation. Throws `ContractViolationError`, `InvalidMessageError` that names the option, or `MessageTooLargeError`. */
  compose<P extends object>(
    recipient: Recipient,
    contract: ContractDefinition<P>,
    payload: P,
    options: DurableSendOptions,
    { trace, durable, isRequest = false }: Composed,
  ): Message {
    const priority = checkPriority(options.priority ?? DEFAULT_PRIORITY);
    const ttl = checkTtl(options.ttl ?? this.options.defaultTtlMs);
    if (options.headers) checkHeaders(options.headers);
    if (options.correlationId) checkShort('correlationId', options.correlationId);
    const timestamp = this.now();
    const deliverAt = deliveryTime(options, timestamp, durable);
    const { text, keys } = writeKeyed(contract, payload);
    const body = checkSize(Buffer.from(text), this.options.maxMessageBytes);
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
      trace,
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
    if (keys) message.keys = keys;
    if (!durable) message.transient = true;
    return message;
  }
}

/** Throws `MessageTooLargeError`. */
export function checkSize(body: Buffer, mostBytes: number): Buffer {
  if (body.length > mostBytes) throw new MessageTooLargeError(body.length, mostBytes);
  return body;
}

/** Throws `InvalidMessageError` unless `wait` is from 0 to 2^31 - 1 ms. */
export function checkWait(wait: number): number {
  if (!(wait >= 0 && wait <= LONGEST_TIMER_MS)) {
    throw new InvalidMessageError('wait', `${wait} is not from 0 to ${LONGEST_TIMER_MS} ms`);
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
