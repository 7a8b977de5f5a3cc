import { Logger } from '@nestjs/common';
import type { Broker, Incoming } from 'agentmq/broker';
import {
  errorText,
  formatRecipient,
  HEADER,
  type Message,
  newMessageId,
  toAgent,
  type UnknownTypeError,
} from 'agentmq/protocol';
import type {
  ConsumerName,
  DeliveryRef,
  HandlerSought,
  UnhandledDelivery,
  UnhandledResult,
} from 'agentmq/message-store';
import { RepeatedLog } from 'agentmq/telemetry';
import { Batcher } from '../../batcher.js';
import type { Outcome } from '../../message-metrics.js';
import type { ReceivingDependencies } from '../dependencies.js';
import { describe, errorRecord } from '../rejected/error-record.js';
import type { Claims } from '../steps/claims.js';

/** From one line about a contract to the next, in ms. */
const SAY_EVERY_MS = 60_000;

/** A message as it came to an instance that has no handler for it. */
export interface UnhandledMessage {
  readonly incoming: Incoming;
  readonly message: Message;
  /** Another instance of the consumer has passed it on. */
  readonly forwarded: boolean;
  readonly error: UnknownTypeError;
}

/**
 * What one consumer's instance does with messages that it has no handler for: it sends them on to the inbox of an instance
 * that has one, or leaves them in the store to wait for such an instance.
 */
export class Unhandled {
  private readonly broker: Broker;
  private readonly log = new RepeatedLog(new Logger('Receiver'), { everyMs: SAY_EVERY_MS });
  private readonly decisions: Batcher<UnhandledDelivery, UnhandledResult>;
  private readonly searches: Batcher<HandlerSought, string | undefined>;
  private readonly disowned: Batcher<DeliveryRef, void>;

  constructor(
    { broker, store, options: { agentId, liveMs, handlerGraceMs: graceMs } }: ReceivingDependencies,
    private readonly claims: Claims,
    private readonly consumer: ConsumerName,
  ) {
    const options = { agentId, liveMs, graceMs };
    this.broker = broker;
    this.decisions = new Batcher((batch) => store.unhandled.decide(batch, options));
    this.searches = new Batcher((batch) => store.unhandled.elsewhere(batch, options));
    this.disowned = new Batcher((batch) => store.unhandled.disown(batch));
  }

  /**
   * Resolves when its copy may be acknowledged, with what became of the message; with undefined when no other instance
   * takes it and it can't wait: it is transient, or its sender waits for an answer.
   */
  async take(unhandled: UnhandledMessage): Promise<Outcome | undefined> {
    const { message } = unhandled;
    return message.transient || message.replyTo ? this.passOn(unhandled) : this.keep(unhandled);
  }

  /** A broadcast is owed to the agents that handle it. */
  disown({ messageId }: Message): Promise<void> {
    return this.claims.patiently(() => this.disowned.add({ messageId, consumer: this.consumer }));
  }

  private async passOn(unhandled: UnhandledMessage): Promise<Outcome | undefined> {
    const { message, forwarded } = unhandled;
    // There is one instance of an agent.
    if (forwarded || this.consumer.startsWith('agent.')) return undefined;
    const { type, version } = message;
    const sought = { consumer: this.consumer, type, version, ...topicOf(message) };
    const agentId = await this.claims.patiently(() => this.searches.add(sought));
    return agentId !== undefined && (await this.forward(unhandled, agentId)) ? 'forwarded' : undefined;
  }

  private async keep(unhandled: UnhandledMessage): Promise<Outcome> {
    const { message, error } = unhandled;
    const { messageId } = message;
    const delivery = { messageId, consumer: this.consumer, ...topicOf(message), error: errorRecord(error) };
    let { forwarded } = unhandled;
    for (let tries = 0; ; tries++) {
      this.claims.stopped.throwIfAborted();
      const result = await this.claims.patiently(() => this.decisions.add({ ...delivery, forwarded }));
      switch (result.outcome) {
        case 'unknown':
          await this.claims.record(message);
          break;
        case 'busy':
          await this.claims.rest(tries);
          break;
        case 'forward':
          if (await this.forward(unhandled, result.agentId)) return 'forwarded';
          forwarded = true;
          break;
        case 'stray':
          return 'ignored';
        case 'waiting':
          if (!result.now) return 'duplicate';
          this.say(message, `${describe(errorRecord(error))}; it waits for an instance that handles it`);
          return 'waiting';
        case 'settled':
          if (!result.now) return 'duplicate';
          this.say(message, `${describe(errorRecord(error))}; it has waited for long enough and is dead`);
          return 'rejected';
      }
    }
  }

  /** False when that agent's inbox did not take it. */
  private async forward({ incoming, message }: UnhandledMessage, agentId: string): Promise<boolean> {
    const { properties, body } = incoming;
    const { messageId, correlationId } = message;
    const headers = {
      ...properties.headers,
      ...message.headers,
      [HEADER.recipient]: formatRecipient(message.recipient),
      [HEADER.consumer]: this.consumer,
      // A copy of its own: that this one comes back must not void the claim by that one.
      [HEADER.copy]: newMessageId(),
    };
    try {
      await this.broker.publish({
        // A foreign message may have another id here than it came with.
        properties: { ...properties, messageId, ...(correlationId === undefined ? {} : { correlationId }), headers },
        body,
        recipient: toAgent(agentId),
        mandatory: true,
        persistent: !message.transient,
      });
      return true;
    } catch (error) {
      this.say(message, `not forwarded to ${agentId}: ${errorText(error)}`);
      return false;
    }
  }

  /** One line a minute for each contract: there may be many messages of it. */
  private say({ messageId, type, version }: Message, text: string): void {
    this.log.note(`${type}@${version} ${text}`, `${messageId}: ${text}`);
  }
}

const topicOf = ({ recipient: { kind, name } }: Message): { readonly topic?: string } =>
  kind === 'topic' ? { topic: name } : {};
