import { MessageTooLargeError } from 'agentmq/broker';
import {
  type ContractDefinition,
  contractOfInstance,
  ContractViolationError,
  HEADER,
  type Message,
  newMessageId,
  RemoteError,
  toWire,
  toWireError,
  type WireError,
  writeResult,
} from 'agentmq/protocol';
import type { MessageBusOptions } from '../../bus-options.js';
import { AnswerNotEncodableError } from '../../errors.js';
import type { ReceivingDependencies, Report } from '../dependencies.js';
import { errorRecord, isSensitive } from '../rejected/error-record.js';

/** A handler that returns it has taken a request, which is answered later: by `MessageBus.answer`, of any process. */
export const ANSWERED_LATER = Symbol('agentmq:answered-later');

/** What of a request is needed to answer it. */
export type Question = Pick<
  Message,
  | 'messageId'
  | 'sender'
  | 'correlationId'
  | 'type'
  | 'version'
  | 'priority'
  | 'trace'
  | 'replyTo'
  | 'contentType'
  | 'expiresAt'
>;

type AnswererDependencies = Pick<ReceivingDependencies, 'broker' | 'now' | 'sealing' | 'tracing'> & {
  readonly options: Pick<MessageBusOptions, 'agentId'>;
};

/** Answers requests. Never rejects: a requester that is gone, or out of reach, runs into its time-out. */
export class Answerer {
  constructor(
    private readonly dependencies: AnswererDependencies,
    private readonly report: Report,
  ) {}

  /**
   * Answers a request with what its handler returned. An answer of a contract's class is checked as what is sent is, and
   * tells its type and version, by which a requester with another version reads it. It is sealed when it, or the request,
   * is sensitive. One that can't be sent is an error for its asker alone, since the handler's work is done.
   */
  async answer(request: Question, answer: unknown, contract?: ContractDefinition): Promise<void> {
    if (answer === ANSWERED_LATER) return;
    const { sealing } = this.dependencies;
    let reply: Message;
    try {
      const own = contractOfInstance(answer);
      reply = this.replyTo(request, encodeAnswer(answer), {}, own);
      const sensitive = own?.sensitive === true || isSensitive({ message: request, contract });
      if (sensitive && sealing.seals) reply = await sealing.sealAnswer(reply);
    } catch (error) {
      this.reportOf(request, errorRecord(error, { message: request, contract }));
      await this.fail(request, error, contract);
      return;
    }
    try {
      await this.reply(request, reply);
    } catch (error) {
      this.reportOf(request, error);
      if (error instanceof MessageTooLargeError) await this.fail(request, error, contract);
    }
  }

  /**
   * Resolves with whether the asker was told: it asked, the broker took the answer, and its time was not over. What is
   * sensitive is told sealed; without keys, or in clear, it has no text.
   */
  async fail(request: Question, error: unknown, contract?: ContractDefinition): Promise<boolean> {
    if (!request.replyTo) return false;
    try {
      await this.reply(request, await this.failure(request, error, contract));
      return !request.expiresAt || this.dependencies.now() < request.expiresAt;
    } catch (failure) {
      this.reportOf(request, failure);
      return false;
    }
  }

  private async reply({ replyTo = '' }: Question, answer: Message): Promise<void> {
    const { broker, tracing } = this.dependencies;
    const span = tracing.spans.replying(answer);
    const reply = span ? { ...answer, trace: span.trace } : answer;
    try {
      await broker.reply(replyTo, toWire(reply));
      span?.end();
    } catch (error) {
      span?.end({ error: toWireError(error) });
      throw error;
    }
    tracing.sent(reply, undefined, 'reply');
  }

  private async failure(request: Question, error: unknown, contract?: ContractDefinition): Promise<Message> {
    const about = { message: request, contract };
    const { sealing } = this.dependencies;
    const { stack: _, ...record } = errorRecord(error, about);
    const reply = (told: object): Message => this.replyTo(request, JSON.stringify(told), { [HEADER.error]: true });
    if (!isSensitive(about) || !sealing.seals) return reply(record);
    return sealing.sealAnswer(reply(wholeOf(error))).catch(() => reply(record));
  }

  private reportOf({ type, messageId }: Question, error: unknown): void {
    this.report(`the answer to ${type} ${messageId}`, error);
  }

  private replyTo(
    request: Question,
    json: string,
    headers: Record<string, unknown>,
    { type, version }: Pick<Message, 'type' | 'version'> = { type: `${request.type}:reply`, version: request.version },
  ): Message {
    return {
      messageId: newMessageId(),
      sender: this.dependencies.options.agentId,
      recipient: { kind: 'agent', name: request.sender },
      correlationId: request.correlationId ?? request.messageId,
      causationId: request.messageId,
      timestamp: this.dependencies.now(),
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
