import type { DeliveryState } from 'agentmq/message-store';
import { AgentMQError } from 'agentmq/protocol';

/** The store has no such message: there never was one, or its time is over. */
export class MessageNotFoundError extends AgentMQError {
  readonly code = 'MESSAGE_NOT_FOUND';

  constructor(readonly messageId: string) {
    super(`there is no message ${messageId}`);
  }
}

/** The store has no such message at that consumer. */
export class DeliveryNotFoundError extends AgentMQError {
  readonly code = 'DELIVERY_NOT_FOUND';

  constructor(
    readonly messageId: string,
    readonly consumer: string,
  ) {
    super(`there is no message ${messageId} at ${consumer}`);
  }
}

/** The message is no dead letter at that consumer, or was discarded. */
export class NotDeadError extends AgentMQError {
  readonly code = 'NOT_DEAD';

  constructor(
    readonly messageId: string,
    readonly consumer: string,
    readonly state: DeliveryState,
    /** Why it was discarded, if it was. */
    readonly discarded?: string,
  ) {
    super(
      `message ${messageId} at ${consumer} ${discarded === undefined ? `is ${state}` : `was discarded: ${discarded}`}`,
    );
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

/** The registry has no agent of this id: there never was one, or it was forgotten. */
export class AgentNotFoundError extends AgentMQError {
  readonly code = 'AGENT_NOT_FOUND';

  constructor(readonly agentId: string) {
    super(`there is no agent ${agentId}`);
  }
}

/** Only RabbitMQ's queues have arguments of their own, which may differ from the settings. */
export class NoQueuesError extends AgentMQError {
  readonly code = 'NO_QUEUES';

  constructor(readonly busType: string) {
    super(
      `MESSAGE_BUS_TYPE is ${busType}: only RabbitMQ's queues have arguments of their own, which may differ from the settings`,
    );
  }
}

/** As many connections watch the live view as may. */
export class TooManyWatchersError extends AgentMQError {
  readonly code = 'TOO_MANY_WATCHERS';
  override readonly retryable = true;

  constructor(readonly limit: number) {
    super(`${limit} connections watch the live view, which is the limit`);
  }
}

/** No agent has this id, or this role. */
export class UnknownConsumerError extends AgentMQError {
  readonly code = 'UNKNOWN_CONSUMER';

  constructor(readonly consumer: string) {
    super(`no agent on record is ${consumer}: it is role.<role> or agent.<agent id>`);
  }
}

/** What is to be resumed is not paused. */
export class NotPausedError extends AgentMQError {
  readonly code = 'NOT_PAUSED';

  constructor(readonly target: string) {
    super(`${target} is not paused`);
  }
}
