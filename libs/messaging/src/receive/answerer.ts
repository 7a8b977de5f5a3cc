import { type Broker, MessageTooLargeError } from 'agentmq/broker';
import {
  type ContractDefinition,
  contractOfInstance,
  ContractViolationError,
  HEADER,
  type Message,
  newMessageId,
  RemoteError,
  toAgent,
  toWire,
  toWireError,
  type WireError,
  writeResult,
} from 'agentmq/protocol';
import { AnswerNotEncodableError } from '../errors.js';
import { errorRecord, isSensitive } from './failing.js';
import type { MessageSealing } from '../sealing/message-sealing.js';
import type { Tracing } from '../tracing/tracing.js';

/** Answers requests. Never rejects: a requester that is gone, or out of reach, runs into its time-out. */
export class Answerer {
  constructor(
    private readonly broker: Broker,
    private readonly agentId: string,
    private readonly now: () => Date,
    private readonly sealing: MessageSealing,
    private readonly tracing: Tracing,
    private readonly report: (what: string, error: unknown) => void,
  ) {}

  /**
   * Does nothing for a message that is no request: what its handler returned is not even looked at. An answer of a
   * contract's class is checked as what is sent is, and tells its type and version, by which a requester with another
   * version reads it. It is sealed when it, or the request, is sensitive. One that can't be sent is an error for its asker
   * alone, since the handler's work is done.
   */
  async answer(request: Message, answer: unknown, contract?: ContractDefinition): Promise<void> {
    if (!request.replyTo) return;
    let reply: Message;
    try {
      const own = contractOfInstance(answer);
      reply = this.replyTo(request, encodeAnswer(answer), {}, own);
      const sensitive = own?.sensitive === true || isSensitive({ message: request, contract });
      if (sensitive && this.sealing.seals) reply = await this.sealing.sealAnswer(reply);
    } catch (error) {
      this.reportOf(request, errorRecord(error, { message: request, contract }));
      await this.fail(request, error, contract);
      return;
    }
    try {
      await this.reply(request.replyTo, request, reply);
    } catch (error) {
      this.reportOf(request, error);
      if (error instanceof MessageTooLargeError) await this.fail(request, error, contract);
    }
  }

  /**
   * Resolves with whether the asker was told: it asked, the broker took the answer, and its time was not over. What is
   * sensitive is told sealed; without keys, or in clear, it has no text.
   */
  async fail(request: Message, error: unknown, contract?: ContractDefinition): Promise<boolean> {
    if (!request.replyTo) return false;
    try {
      await this.reply(request.replyTo, request, await this.failure(request, error, contract));
      return !request.expiresAt || this.now() < request.expiresAt;
    } catch (failure) {
      this.reportOf(request, failure);
      return false;
    }
  }

  private async reply(address: string, { sender }: Message, reply: Message): Promise<void> {
    await this.broker.reply(address, toWire(reply));
    this.tracing.sent({ ...reply, recipient: toAgent(sender) }, { kind: 'reply' });
  }

  private async failure(request: Message, error: unknown, contract?: ContractDefinition): Promise<Message> {
    const about = { message: request, contract };
    const { stack: _, ...record } = errorRecord(error, about);
    const reply = (told: object): Message => this.replyTo(request, JSON.stringify(told), { [HEADER.error]: true });
    if (!isSensitive(about) || !this.sealing.seals) return reply(record);
    return this.sealing.sealAnswer(reply(wholeOf(error))).catch(() => reply(record));
  }

  private reportOf({ type, messageId }: Message, error: unknown): void {
    this.report(`the answer to ${type} ${messageId}`, error);
  }

  private replyTo(
    request: Message,
    json: string,
    headers: Record<string, unknown>,
    { type, version }: Pick<Message, 'type' | 'version'> = { type: `${request.type}:reply`, version: request.version },
  ): Message {
    return {
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
    };
  }
}

/** For an asker that is told sealed: with the text of an error that came sealed. */
const wholeOf = (error: unknown): WireError => (error instanceof RemoteError ? error.remote : toWireError(error));

/** Throws {@link AnswerNotEncodableError}, or `ContractViolationError`. */
function encodeAnswer(answer: unknown): string {
  try {
    return writeResult(answer ?? null);
  } catch (cause) {
    throw cause instanceof ContractViolationError ? cause : new AnswerNotEncodableError(cause);
  }
}
