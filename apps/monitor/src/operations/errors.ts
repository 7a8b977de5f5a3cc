import { AgentMQError } from 'agentmq/protocol';

/** The store has no such message: there never was one, or its time is over. */
export class MessageNotFoundError extends AgentMQError {
  readonly code = 'MESSAGE_NOT_FOUND';

  constructor(readonly messageId: string) {
    super(`there is no message ${messageId}`);
  }
}

/** The message is dead at several consumers, and what was asked for is possible at one only. */
export class SeveralConsumersError extends AgentMQError {
  readonly code = 'SEVERAL_CONSUMERS';

  constructor(
    readonly messageId: string,
    readonly consumers: readonly string[],
  ) {
    super(`consumer: ${messageId} is dead at several, name one: ${consumers.join(', ')}`);
  }
}

/** The consumer is not subscribed to that pattern. */
export class SubscriptionNotFoundError extends AgentMQError {
  readonly code = 'SUBSCRIPTION_NOT_FOUND';

  constructor(
    readonly consumer: string,
    readonly pattern: string,
  ) {
    super(`${consumer} is not subscribed to ${pattern}`);
  }
}

/** There is no replay of this id here, or it ended long ago. */
export class ReplayNotFoundError extends AgentMQError {
  readonly code = 'REPLAY_NOT_FOUND';

  constructor(readonly replayId: string) {
    super(`there is no replay ${replayId}`);
  }
}

/** As many replays are running as may. */
export class TooManyReplaysError extends AgentMQError {
  readonly code = 'TOO_MANY_REPLAYS';
  override readonly retryable = true;

  constructor(readonly limit: number) {
    super(`${limit} replays are running, which is the limit`);
  }
}
