import { formatRecipient, type Message, toWireError, type WireError, type WireMessage } from 'agentmq/protocol';
import type { ConsumerName, HopMessage, HopStore } from 'agentmq/message-store';
import { type HopCounts, HopBuffer } from './hop-buffer.js';
import { Spans } from './spans.js';
import { isSampled, traceIdOf } from './trace-context.js';

export type HopKind = 'send' | 'publish' | 'broadcast' | 'request' | 'reply' | 'announce' | 'task';

/** One attempt at a message that was received. */
export interface HandledHop {
  /** This agent itself unless given. */
  readonly consumer?: ConsumerName;
  readonly attempt: number;
  /** As `begin` said. */
  readonly begun: Date | undefined;
  readonly outcome: string;
  readonly error?: WireError;
}

/** Records what becomes of one request, as its sender sees it. */
export interface RequestTrail {
  published(): void;
  answered(answer: WireMessage): void;
  failed(error: unknown): void;
}

const KINDS = { role: 'send', agent: 'send', topic: 'publish', broadcast: 'broadcast' } as const;

/**
 * Records what happens to the messages of sampled traces, as it happens: none of this waits or throws, and for a message
 * that is not sampled it is one look at a flag.
 */
export class Tracing {
  readonly spans: Spans;
  private readonly buffer: HopBuffer;

  constructor(
    hops: Pick<HopStore, 'record'>,
    counts: HopCounts,
    private readonly agentId: string,
    private readonly now: () => Date,
    /** Whether a trace that begins here is recorded. */
    readonly sample: () => boolean,
  ) {
    this.buffer = new HopBuffer(hops, counts);
    this.spans = new Spans(agentId, sample);
  }

  /** The moment at which an attempt at the message begins; undefined when it is not recorded. */
  begin({ trace }: Message): Date | undefined {
    return trace && isSampled(trace) ? this.now() : undefined;
  }

  /** Whether what happens to the message is recorded. */
  records({ trace }: Message): boolean {
    return trace !== undefined && isSampled(trace);
  }

  /** The broker has confirmed the message, or (with an error) has not. */
  sent(message: Message, error?: unknown, kind?: HopKind, to?: string): void {
    const { trace, messageId, sender, timestamp } = message;
    if (!trace || !isSampled(trace)) return;
    this.buffer.add({
      traceId: traceIdOf(trace),
      messageId,
      side: 'sent',
      agentId: sender,
      attempt: 1,
      beganAt: timestamp,
      endedAt: this.now(),
      ...(error === undefined ? { outcome: 'published' } : { outcome: 'failed', error: toWireError(error) }),
      ...aboutTransient(message, kind, to),
    });
  }

  /**
   * A task has been begun here: its hop is of what it was submitted to, so that its attempts, by whichever agents, are those
   * of one hop. The moment, as {@link begin} has it.
   */
  taken(message: Message, { to, attempt }: { readonly to: string; readonly attempt: number }): Date | undefined {
    const begun = this.begin(message);
    this.sent(message, undefined, 'task', to);
    this.handled(message, { consumer: to, attempt, begun, outcome: 'handling' }, 'task');
    return begun;
  }

  handled(
    message: Message,
    { consumer = `agent.${this.agentId}`, attempt, begun, outcome, error }: HandledHop,
    kind?: HopKind,
  ): void {
    if (!begun || !message.trace) return;
    this.buffer.add({
      traceId: traceIdOf(message.trace),
      messageId: message.messageId,
      side: 'received',
      agentId: this.agentId,
      consumer,
      attempt,
      beganAt: begun,
      endedAt: this.now(),
      outcome,
      ...(error ? { error } : {}),
      ...aboutTransient(message, kind, kind === 'task' ? consumer : undefined),
    });
  }

  /** Undefined for a request that is not recorded. */
  request(message: Message): RequestTrail | undefined {
    const { trace } = message;
    if (!trace || !isSampled(trace)) return undefined;
    let isPublished = false;
    const published = (): void => {
      if (!isPublished) this.sent(message);
      isPublished = true;
    };
    return {
      published,
      answered: (answer) => {
        // The answer may be quicker than the confirm.
        published();
        this.answered(message, answer);
      },
      failed: (error) => this.sent(message, error),
    };
  }

  /** Writes what waits to be written, within `timeoutMs`. */
  stop(timeoutMs: number): Promise<void> {
    return this.buffer.stop(timeoutMs);
  }

  private answered(request: Message, { properties }: WireMessage): void {
    const { messageId, type = '', appId = 'unknown' } = properties;
    if (messageId === undefined || !request.trace) return;
    const at = this.now();
    const recipient = `agent.${this.agentId}`;
    this.buffer.add({
      traceId: traceIdOf(request.trace),
      messageId,
      side: 'received',
      agentId: this.agentId,
      consumer: recipient,
      attempt: 1,
      beganAt: at,
      endedAt: at,
      outcome: 'completed',
      about: { kind: 'reply', type, sender: appId, recipient, causationId: request.messageId },
    });
  }
}

/** What the store knows of a message that it holds is not written twice. Replies, announcements and tasks it never holds. */
function aboutTransient(message: Message, kind?: HopKind, to?: string): { readonly about?: HopMessage } {
  const { type, sender, recipient, causationId } = message;
  if (message.transient !== true && kind === undefined) return {};
  const about = { kind: kind ?? kindOf(message), type, sender, recipient: to ?? formatRecipient(recipient) };
  return { about: causationId === undefined ? about : { ...about, causationId } };
}

/** A request has its own id for its correlation. */
export const kindOf = ({ recipient, messageId, correlationId }: Message): HopKind =>
  correlationId === messageId ? 'request' : KINDS[recipient.kind];
