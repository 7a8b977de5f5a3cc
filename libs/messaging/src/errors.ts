import { AgentMQError, toWireError } from 'agentmq/protocol';

/** A message's time to live ended before it was handled. */
export class MessageExpiredError extends AgentMQError {
  readonly code = 'MESSAGE_EXPIRED';

  constructor(readonly expiredAt: Date) {
    super(`expired at ${expiredAt.toISOString()}`);
  }
}

/** The agent has not started yet, or was stopped; another, or this one later, may do it. */
export class BusStoppedError extends AgentMQError {
  readonly code = 'BUS_STOPPED';
  override readonly retryable = true;

  constructor(options?: ErrorOptions) {
    super('the agent is not running', options);
  }
}

/** A handler ran for longer than it may; it may be tried again. */
export class HandlerTimeoutError extends AgentMQError {
  readonly code = 'HANDLER_TIMEOUT';
  override readonly retryable = true;

  constructor(readonly timeoutMs: number) {
    super(`the handler has not ended after ${timeoutMs} ms`);
  }
}

/** A handler has done its work, and returned what JSON has no form for: only the asker is told, and asking again is no help. */
export class AnswerNotEncodableError extends AgentMQError {
  readonly code = 'ANSWER_NOT_ENCODABLE';

  constructor(cause: unknown) {
    super(`the handler's answer has no form in JSON: ${toWireError(cause).message}`, { cause });
  }
}

/** The claim on a message went to another while its handler ran; what the handler's transaction wrote is undone. */
export class ClaimLostError extends AgentMQError {
  readonly code = 'CLAIM_LOST';

  constructor() {
    super('the claim on the message went to another');
  }
}

/**
 * RabbitMQ itself took a message out of its queue, for `reason`: `expired`, `rejected`, `maxlen` or `delivery_limit`; with
 * `before its time` when a policy or an argument of the queue, not the message, says so.
 */
export class BrokerDeadLetteredError extends AgentMQError {
  readonly code = 'BROKER_DEAD_LETTERED';

  constructor(readonly reason: string) {
    super(`the broker took it out of its queue: ${reason}`);
  }
}

/** Every process that handled the message died of it, or was killed, as often as it may be tried. */
export class PoisonMessageError extends AgentMQError {
  readonly code = 'POISON_MESSAGE';

  constructor() {
    super('the process that handled it died, as often as it may be tried');
  }
}

/** What makes the outbox full, if it is not what it holds in all. */
export interface OutboxFullCause {
  /** This process holds more bytes than these that wait for the store. */
  readonly bytes?: number;
  /** The inbox of this recipient is full or missing, and what waits for it is as much as may. */
  readonly recipient?: string;
}

/**
 * The outbox holds as many entries as it may, in all or for this recipient's full or missing inbox, or this process holds as
 * many messages, or bytes of them, that wait for the store: what was sent before has to go out first.
 */
export class OutboxFullError extends AgentMQError {
  readonly code = 'OUTBOX_FULL';
  override readonly retryable = true;
  readonly limitBytes: number | undefined;
  readonly recipient: string | undefined;

  /** `limit` in messages. */
  constructor(
    readonly limit: number,
    { bytes, recipient }: OutboxFullCause = {},
  ) {
    super(
      recipient !== undefined
        ? `the outbox is full for ${recipient}, whose inbox is full or missing: ${limit} messages wait for it`
        : bytes === undefined
          ? `the outbox is full: it holds ${limit} messages`
          : `too much waits for the message store: at most ${limit} messages and ${bytes} bytes`,
    );
    this.limitBytes = bytes;
    this.recipient = recipient;
  }
}

/** Of this trace nothing is on record: there never was one, it was not recorded, or its time is over. */
export class TraceNotFoundError extends AgentMQError {
  readonly code = 'TRACE_NOT_FOUND';

  constructor(readonly traceId: string) {
    super(`there is no trace or message ${traceId}`);
  }
}
