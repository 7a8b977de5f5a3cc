import { type Broker, RequestInterruptedError, RequestTimeoutError } from 'agentmq/broker';
import {
  type ContractDefinition,
  contractOf,
  decodeBody,
  fromWireError,
  HEADER,
  type Message,
  readPayload,
  type Recipient,
  traceOf,
  type WireMessage,
} from 'agentmq/protocol';
import type { OutboxLease } from 'agentmq/message-store';
import type { RequestOptions } from '../bus-options.js';
import type { MessageMetrics } from '../message-metrics.js';
import type { MessageSealing } from '../sealing/message-sealing.js';
import { isSealed } from '../sealing/sealer.js';
import { errorRecord } from '../receive/rejected/error-record.js';
import type { RequestTrail, Tracing } from '../tracing/tracing.js';
import { checkWait, type Composer } from './composer.js';
import type { Outbox } from './outbox.js';
import { publicationOf } from './publication.js';
import type { ResponseMetrics } from './response-metrics.js';

const DEFAULT_TIMEOUT_MS = 30_000;

/** Sends requests, and waits for their answers. A durable one is committed first; its sender publishes it, never the relay. */
export class Requests {
  constructor(
    private readonly broker: Broker,
    private readonly composer: Composer,
    private readonly outbox: Outbox,
    private readonly sealing: MessageSealing,
    private readonly tracing: Tracing,
    private readonly metrics: MessageMetrics,
    private readonly responses: ResponseMetrics,
  ) {}

  /** As `MessageBus.request`. */
  async request<P extends object>(
    recipient: Recipient,
    contract: ContractDefinition<P>,
    payload: P,
    options: RequestOptions,
  ): Promise<unknown> {
    const expected = options.answer && contractOf(options.answer);
    const durable = contract.durable ?? false;
    const waitMs = checkWait(options.wait ?? 0);
    const timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
    const bounded = { ...options, timeout, ttl: options.ttl ?? timeout };
    const sending = this.tracing.spans.sending('request', recipient, contract);
    const { trace } = sending;
    let message: Message;
    try {
      const inClear = this.composer.compose(recipient, contract, payload, bounded, { trace, durable, isRequest: true });
      message = contract.sensitive ? await this.sealing.seal(inClear) : inClear;
    } catch (error) {
      sending.failed(errorRecord(error, { contract }));
      throw error;
    }
    this.metrics.sent(message.type, recipient.kind);
    const begun = performance.now();
    const trail = this.tracing.request(message);
    try {
      const reply = await (durable
        ? this.askDurably(message, bounded, waitMs, trail)
        : this.ask(message, bounded, trail));
      trail?.answered(reply);
      sending.answered(traceOf(reply.properties.headers));
      const answer = isSealed(reply.properties)
        ? answerOf(await this.sealing.openAnswer(message, reply), expected && { ...expected, sensitive: true }, true)
        : this.answerInClear(reply, contract, expected);
      this.responses.answered(message.type, begun);
      sending.sent(message);
      return answer;
    } catch (error) {
      sending.failed(errorRecord(error, { message, contract }));
      trail?.failed(error);
      this.responses.failed(message.type, begun, error, options.signal);
      throw error;
    }
  }

  private ask(
    message: Message,
    { timeout, signal }: RequestOptions & { readonly timeout: number },
    trail: RequestTrail | undefined,
    lease?: OutboxLease,
  ): Promise<WireMessage> {
    return this.broker.request(publicationOf({ message, ...lease }, message.timestamp), {
      timeoutMs: timeout,
      ...(signal && { signal }),
      ...(trail && { onPublished: trail.published }),
    });
  }

  /** A request's outcome is its sender's to know: once it has one, nothing is left for the relay. */
  private async askDurably(
    message: Message,
    options: RequestOptions & { readonly timeout: number },
    waitMs: number,
    trail: RequestTrail | undefined,
  ): Promise<WireMessage> {
    const lease = await this.outbox.commitRequest(message, waitMs);
    try {
      const answer = await this.ask(message, options, trail, lease);
      void this.outbox.settle(message, lease);
      return answer;
    } catch (error) {
      if (options.signal?.aborted || mayHaveBeenTaken(error)) await this.outbox.settle(message, lease);
      // What went wrong is the error to tell; an entry that stays is closed when the request expires.
      else await this.outbox.buryRequest(message, lease, error).catch(() => undefined);
      throw error;
    }
  }

  private answerInClear(
    reply: WireMessage,
    contract: ContractDefinition,
    expected: ContractDefinition | undefined,
  ): unknown {
    this.sealing.refuseClearAnswer(reply, [contract, ...(expected ? [expected] : [])]);
    return answerOf(reply, expected);
  }
}

const mayHaveBeenTaken = (error: unknown): boolean =>
  error instanceof RequestTimeoutError || error instanceof RequestInterruptedError;

/** An answer that tells no contract, or another one than is expected, is taken for one of the version that is expected. */
function answerOf(
  { properties: { type, headers }, body }: WireMessage,
  expected?: ContractDefinition,
  sealed = false,
): unknown {
  const value = decodeBody(body);
  if (headers[HEADER.error] === true) throw fromWireError(value, sealed);
  if (!expected) return value;
  return readPayload(expected, value, type === expected.type ? Number(headers[HEADER.version] ?? 1) : expected.version);
}
