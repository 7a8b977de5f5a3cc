import { Injectable } from '@nestjs/common';
import {
  contractOf,
  type Envelope,
  type PayloadClass,
  type Recipient,
  toAgent,
  toEveryone,
  toRole,
  toTopic,
} from 'agentmq/protocol';
import { type DurableSendOptions, MessageBus, type RequestOptions } from 'agentmq/messaging';
import type { RegisteredAgent } from './registry/agent-health.js';
import type { AgentQuery } from './registry/agent-query.js';
import { AgentRegistry } from './registry/agent-registry.js';
import { Startup } from './start/startup.js';

/** One instance of a role, whichever is free, or one certain agent. */
export type To = { readonly role: string } | { readonly agent: string };

export interface TypedRequestOptions<Answer extends object> extends RequestOptions {
  /** The contract that the answer must keep; the result is an instance of it. */
  readonly answer?: PayloadClass<Answer>;
}

/**
 * How an agent talks to others. Every error is typed, and says whether trying again can help (`retryable`). Before the agent
 * listens (in a constructor, `onModuleInit`, `onApplicationBootstrap`) sending opens the store, and waits for it as the start
 * does (`MESSAGE_BUS_START`); a request waits for the broker as well, for 10 s.
 */
@Injectable()
export class AgentClient {
  constructor(
    private readonly bus: MessageBus,
    private readonly registry: AgentRegistry,
    private readonly startup: Startup,
  ) {}

  /**
   * Sends to a role or an agent. Resolves once the message is committed: from then on it reaches its recipient, at
   * `options.deliverAt` or in `options.delay` ms if one is given. With `options.transaction` (a `Transaction`, or the
   * `EntityManager` of the caller's own on the same database), and in a transactional handler without it, the message is
   * committed or vanishes with that transaction: it resolves when it has been written there.
   * Rejects with `ContractViolationError`, `InvalidMessageError` or `MessageTooLargeError`, and with
   * `StoreUnavailableError` while the database is away or `OutboxFullError` while too much waits for the broker: at once,
   * or with `options.wait` after so many ms in which that did not change.
   */
  send<P extends object>(
    to: To,
    contract: PayloadClass<P>,
    payload: P,
    options?: DurableSendOptions,
  ): Promise<Envelope> {
    return this.startup.whenReady(() => this.bus.send(recipientOf(to), contractOf(contract), payload, options));
  }

  /**
   * Publishes to a topic: to one instance of every role, and to every instance, that subscribed, those that are away
   * included. Options, what it resolves with and what it rejects with are those of `send`.
   */
  publish<P extends object>(
    topic: string,
    contract: PayloadClass<P>,
    payload: P,
    options?: DurableSendOptions,
  ): Promise<Envelope> {
    return this.startup.whenReady(() => this.bus.send(toTopic(topic), contractOf(contract), payload, options));
  }

  /**
   * Sends to every agent. Of a durable contract it is as `send`; otherwise it resolves when the broker has confirmed it,
   * and can neither be delayed nor be part of a transaction.
   */
  broadcast<P extends object>(contract: PayloadClass<P>, payload: P, options?: DurableSendOptions): Promise<Envelope> {
    return this.startup.whenReady(() => this.bus.send(toEveryone, contractOf(contract), payload, options));
  }

  /**
   * Asks a role or an agent, and resolves with its answer. Rejects with `RemoteError` (the handler failed),
   * `NoRecipientError` (at once), `RequestTimeoutError`, `RequestInterruptedError`, `ContractViolationError` (of the
   * request or the answer), or the signal's reason.
   */
  async request<P extends object, Answer extends object>(
    to: To,
    contract: PayloadClass<P>,
    payload: P,
    options: TypedRequestOptions<Answer> & { readonly answer: PayloadClass<Answer> },
  ): Promise<Answer>;
  async request<P extends object>(
    to: To,
    contract: PayloadClass<P>,
    payload: P,
    options?: RequestOptions,
  ): Promise<unknown>;
  async request<P extends object>(
    to: To,
    contract: PayloadClass<P>,
    payload: P,
    options?: RequestOptions,
  ): Promise<unknown> {
    return this.startup.whenReady(() => this.bus.request(recipientOf(to), contractOf(contract), payload, options));
  }

  /** Agents by id, role, capability (a glob) and health; no round trip. */
  find(query?: AgentQuery): RegisteredAgent[] {
    return this.registry.find(query);
  }
}

const recipientOf = (to: To): Recipient => ('role' in to ? toRole(to.role) : toAgent(to.agent));
