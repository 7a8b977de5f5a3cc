import { AgentMQError, formatRecipient, type Recipient } from 'agentmq/protocol';

/** The options given are unusable; every problem is named. */
export class BrokerOptionsError extends AgentMQError {
  readonly code = 'INVALID_OPTIONS';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/** A queue or exchange exists with other arguments than these, or may not be declared; it and the argument are named. */
export class TopologyError extends AgentMQError {
  readonly code = 'TOPOLOGY_MISMATCH';

  /** `queue` is the name of the queue or exchange, `argument` the one that differs. */
  constructor(
    readonly queue: string,
    readonly problem: string,
    readonly argument?: string,
    options?: ErrorOptions,
  ) {
    super(`${queue}: ${problem}`, options);
  }
}

/** The body is larger than the broker may carry. */
export class MessageTooLargeError extends AgentMQError {
  readonly code = 'MESSAGE_TOO_LARGE';

  constructor(
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(`body: ${bytes} bytes are more than the ${limit} allowed`);
  }
}

/** Not all messages could be moved; what was not moved is where it was. */
export class QueueMoveError extends AgentMQError {
  readonly code = 'QUEUE_MOVE';
  override readonly retryable = true;

  constructor(
    readonly queue: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${queue}: ${problem}`, options);
  }
}

/** The broker object was closed. */
export class BrokerClosedError extends AgentMQError {
  readonly code = 'BROKER_CLOSED';

  constructor(options?: ErrorOptions) {
    super('the message bus is closed', options);
  }
}

/** No queue took the message: no such role, agent or subscriber. */
export class NoRecipientError extends AgentMQError {
  readonly code = 'NO_RECIPIENT';
  override readonly retryable = true;

  constructor(readonly recipient: Recipient | string) {
    super(
      typeof recipient === 'string'
        ? `nothing waits for an answer at ${recipient}`
        : `no inbox takes messages for ${named(recipient)}`,
    );
  }
}

/** A queue is at `max_queue_size` and refuses more. */
export class QueueFullError extends AgentMQError {
  readonly code = 'QUEUE_FULL';
  override readonly retryable = true;

  constructor(readonly recipient: Recipient | string) {
    super(`the queue of ${named(recipient)} is full`);
  }
}

/** The broker can't be reached, or takes nothing for now and too much waits already. */
export class BrokerUnavailableError extends AgentMQError {
  readonly code = 'BROKER_UNAVAILABLE';
  override readonly retryable = true;
}

/** No answer came in time. The request may have been handled. */
export class RequestTimeoutError extends AgentMQError {
  readonly code = 'REQUEST_TIMEOUT';
  override readonly retryable = true;

  constructor(
    readonly recipient: Recipient,
    readonly timeoutMs: number,
  ) {
    super(`${formatRecipient(recipient)} gave no answer within ${timeoutMs} ms`);
  }
}

/** The connection that the answer would have come over was lost. The request may have been handled. */
export class RequestInterruptedError extends AgentMQError {
  readonly code = 'REQUEST_INTERRUPTED';
  override readonly retryable = true;

  constructor(readonly recipient: Recipient) {
    super(`the connection was lost before ${formatRecipient(recipient)} answered`);
  }
}

const named = (recipient: Recipient | string): string =>
  typeof recipient === 'string' ? recipient : formatRecipient(recipient);
