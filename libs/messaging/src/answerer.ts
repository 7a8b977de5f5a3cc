import { type Broker, MessageTooLargeError } from 'agentmq/broker';
import {
  type ContractDefinition,
  contractOfInstance,
  ContractViolationError,
  HEADER,
  type Message,
  newMessageId,
  toWire,
  toWireError,
  type WireError,
  writeResult,
} from 'agentmq/contracts';
import type { DeliveryError } from 'agentmq/message-store';
import { AnswerNotEncodableError } from './errors.js';
import { errorRecord } from './failing.js';

/** Answers requests. Never rejects: a requester that is gone, or out of reach, runs into its time-out. */
export class Answerer {
  constructor(
    private readonly broker: Broker,
    private readonly agentId: string,
    private readonly now: () => Date,
    private readonly report: (what: string, error: unknown) => void,
  ) {}

  /**
   * Does nothing for a message that is no request: what its handler returned is not even looked at. An answer of a
   * contract's class is checked as what is sent is, and tells its type and version, by which a requester with another
   * version reads it. One that can't be sent is an error for its asker alone, since the handler's work is done.
   */
  async answer(request: Message, answer: unknown, contract?: ContractDefinition): Promise<void> {
    if (!request.replyTo) return;
    let own: ContractDefinition | undefined;
    let json: string;
    try {
      own = contractOfInstance(answer);
      json = encodeAnswer(answer);
    } catch (error) {
      const record = errorRecord(error, contract);
      this.report(`the answer to ${request.type} ${request.messageId}`, record);
      await this.fail(request, record);
      return;
    }
    await this.send(request, json, {}, own);
  }

  /** Resolves with whether the asker was told: it asked, the broker took the answer, and its time was not over. */
  fail(
    request: Message,
    { stack: _, ...error }: DeliveryError | (WireError & { readonly stack?: string }),
  ): Promise<boolean> {
    return this.send(request, JSON.stringify(error), { [HEADER.error]: true });
  }

  private async send(
    request: Message,
    json: string,
    headers: Record<string, unknown> = {},
    { type, version }: Pick<Message, 'type' | 'version'> = { type: `${request.type}:reply`, version: request.version },
  ): Promise<boolean> {
    if (!request.replyTo) return false;
    try {
      const reply = toWire({
        messageId: newMessageId(),
        sender: this.agentId,
        recipient: request.recipient,
        correlationId: request.correlationId ?? request.messageId,
        causationId: request.messageId,
        timestamp: this.now(),
        type,
        version,
        priority: request.priority,
        attempt: 1,
        contentType: 'application/json',
        body: Buffer.from(json),
        headers,
        ...(request.trace ? { trace: request.trace } : {}),
      });
      await this.broker.reply(request.replyTo, reply);
      return !request.expiresAt || this.now() < request.expiresAt;
    } catch (error) {
      this.report(`the answer to ${request.type} ${request.messageId}`, error);
      return error instanceof MessageTooLargeError && (await this.fail(request, toWireError(error)));
    }
  }
}

/** Throws {@link AnswerNotEncodableError}, or `ContractViolationError`. */
function encodeAnswer(answer: unknown): string {
  try {
    return writeResult(answer ?? null);
  } catch (cause) {
    throw cause instanceof ContractViolationError ? cause : new AnswerNotEncodableError(cause);
  }
}
