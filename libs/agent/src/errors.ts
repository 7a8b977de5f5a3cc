import { AgentMQError } from 'agentmq/protocol';

/** The app's `@Agent` controllers do not make one agent. */
export class AgentDeclarationError extends AgentMQError {
  readonly code = 'AGENT_DECLARATION';
}

/** What only an agent can do was asked of an app that has no `@Agent` controller: a client. */
export class NotAnAgentError extends AgentMQError {
  readonly code = 'NOT_AN_AGENT';

  constructor(readonly what: string) {
    super(`${what} is for agents, and this app has no @Agent controller: it only sends and asks`);
  }
}

/** Two methods of one agent handle the same contract. */
export class DuplicateHandlerError extends AgentMQError {
  readonly code = 'DUPLICATE_HANDLER';

  constructor(
    readonly pattern: string,
    methods: readonly string[],
  ) {
    super(
      `"${pattern}" is declared twice in this app, by ${methods.join(' and ')}: what is sent to the agent itself is for one of them. What each ` +
        `of several roles handles is declared once, in a controller with @EveryRole`,
    );
  }
}

/** Another process has started with this agent's id; this one no longer speaks for it. */
export class AgentReplacedError extends AgentMQError {
  readonly code = 'AGENT_REPLACED';

  constructor(readonly agentId: string) {
    super(`another instance has registered as ${agentId}`);
  }
}

/** The broker did not confirm a heartbeat in time: others could not reach this agent either. */
export class HeartbeatUnconfirmedError extends AgentMQError {
  readonly code = 'HEARTBEAT_UNCONFIRMED';
  override readonly retryable = true;

  constructor(readonly afterMs: number) {
    super(`the broker did not confirm it within ${afterMs} ms`);
  }
}

/** Handlers of one agent that can get the same message want it treated differently. */
export class HandlerOptionsConflictError extends AgentMQError {
  readonly code = 'HANDLER_OPTIONS_CONFLICT';

  constructor(
    readonly pattern: string,
    readonly other: string,
    readonly option: string,
  ) {
    super(
      pattern === other
        ? `two methods of this agent handle "${pattern}" with different options: ${option}`
        : `one message may be for both "${pattern}" and "${other}" of this agent, whose options differ: ${option}`,
    );
  }
}

/** A handler asked for its transaction, but it has none. */
export class NoTransactionError extends AgentMQError {
  readonly code = 'NO_TRANSACTION';

  constructor(
    readonly type: string,
    readonly transient: boolean,
  ) {
    super(
      transient
        ? `${type}: this message is not durable, so no transaction records its completion`
        : `${type}: its handler is not transactional (see the option "transactional" of @Handle, @Subscribe and @Contract)`,
    );
  }
}
