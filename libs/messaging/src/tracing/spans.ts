import type { ConsumerName, DeliveryError } from 'agentmq/message-store';
import { formatRecipient, type Message, type Recipient, toWireError, type TraceContext } from 'agentmq/protocol';
import {
  activeTrace,
  inTraceContext,
  type SpanAttributes,
  type SpanEnd,
  type SpanStart,
  type StartedSpan,
  startSpan,
  tracesSpans,
} from 'agentmq/telemetry';
import { flowTrace } from '../flow.js';
import { childOf, isSampled, newTrace } from './trace-context.js';

/**
 * Spans by OpenTelemetry's conventions for messaging, where the app has a tracer provider. A message's `traceparent` names the
 * span by which it was made: `create` of what is stored first, and of a task; `send`, `publish` or `request` of all else.
 */

/** What a part of AgentMQ does with messages. Each is of one of the types that the conventions have. */
type Operation = keyof typeof TYPES;

const TYPES = {
  create: 'create',
  send: 'send',
  publish: 'send',
  request: 'send',
  reply: 'send',
  assign: 'send',
  receive: 'receive',
  process: 'process',
  settle: 'settle',
} as const;

/** OpenTelemetry's SDK keeps no more of a span, and warns of those that it drops. */
const MOST_LINKS = 128;

type Begun = 'create' | 'send' | 'publish' | 'request';

/** Of what is sent: as a span tells it. */
type Sent = Pick<Message, 'type' | 'version'>;
/** What is known once a message, or a task, is made. */
type Made = Pick<Message, 'messageId' | 'correlationId'> & { readonly body: Buffer | string };
type Told = Sent & Pick<Message, 'messageId' | 'correlationId' | 'body' | 'trace'>;

/** A task, and the agent that it was given to. */
export interface AssignedWork extends Sent {
  readonly id: string;
  readonly trace: TraceContext | null;
  readonly destination: string;
  readonly agentId: string;
}

const messageOf = ({ messageId, correlationId, body }: Made) => ({
  'messaging.message.id': messageId,
  'messaging.message.conversation_id': correlationId,
  'messaging.message.body.size': Buffer.byteLength(body),
});

/** Names of spans have few values: agents and topics may be many. */
function spanName(operation: Operation, destination: string): string {
  if (destination.startsWith('agent.')) return `${operation} agent.{id}`;
  return `${operation} ${destination.startsWith('topic:') ? 'topic:{name}' : destination}`;
}

/** A message, or a task, that is being sent. */
export class Sending {
  constructor(
    /** The context that goes with it. */
    readonly trace: TraceContext,
    private readonly span?: StartedSpan,
  ) {}

  /** An answer has come, which has a context of its own. */
  answered(trace: TraceContext | undefined): void {
    if (trace) this.span?.link(trace);
  }

  sent(message: Made): void {
    this.span?.end({ attributes: messageOf(message) });
  }

  failed(error: NonNullable<SpanEnd['error']>): void {
    this.span?.end({ error });
  }
}

/** The operation by which what is not stored is sent. */
export const sendOf = ({ kind }: Recipient): 'send' | 'publish' => (kind === 'topic' ? 'publish' : 'send');

/** How an attempt has ended. */
export const endOf = (outcome: string, error?: DeliveryError): SpanEnd => ({
  attributes: { 'agentmq.outcome': outcome },
  ...(error && { error }),
});

/** Does the work of an attempt in its span, and of one that is not recorded in its trace: what the sender has active here is not. */
export function during<T>(span: StartedSpan | undefined, { trace }: Pick<Message, 'trace'>, work: () => T): T {
  if (span) return span.run(work);
  return tracesSpans() ? inTraceContext(trace, work) : work();
}

/** The spans that one agent makes, of traces that are recorded. */
export class Spans {
  constructor(
    private readonly agentId: string,
    /** Whether a trace that begins here is recorded, where the app has no tracer provider that decides it. */
    private readonly sample: () => boolean,
  ) {}

  /**
   * Begins the sending of a message, or a task, as part of the span that is active, else of the trace of this flow, else as the first
   * of a trace. `asideOnly`: what begins no trace that is recorded.
   */
  sending(operation: Begun, recipient: Recipient | string, sent: Sent, asideOnly = false): Sending {
    const active = activeTrace();
    const parent = active ?? flowTrace();
    if (parent ? !isSampled(parent) : asideOnly) return new Sending(parent ? childOf(parent) : newTrace(false));
    if (!tracesSpans()) return new Sending(parent ? childOf(parent) : newTrace(this.sample()));
    const destination = typeof recipient === 'string' ? recipient : formatRecipient(recipient);
    const span = this.start(operation, 'PRODUCER', destination, sent, active ? {} : { parent: parent ?? null });
    if (!span) return new Sending(parent ? childOf(parent) : newTrace(this.sample()));
    return new Sending(span.trace, span.isRecording ? span : undefined);
  }

  /** The publication of what was stored before, at one consumer or at all. */
  publishing(message: Message, consumer: ConsumerName | undefined): StartedSpan | undefined {
    if (!isToTell(message)) return undefined;
    return this.of(message, sendOf(message.recipient), 'CLIENT', consumer ?? formatRecipient(message.recipient));
  }

  /** The sending of an answer. Its context is what the answer is to be sent with. */
  replying(reply: Message): StartedSpan | undefined {
    const told = { ...reply, trace: activeTrace() ?? reply.trace };
    return isToTell(told) ? this.of(told, 'reply', 'PRODUCER', formatRecipient(reply.recipient)) : undefined;
  }

  /** One attempt at a message. What it consists of runs in {@link during}. */
  processing(message: Message, consumer: ConsumerName, attempt: number): StartedSpan | undefined {
    if (!isToTell(message)) return undefined;
    return this.of(message, 'process', 'CONSUMER', consumer, {
      'messaging.consumer.group.name': consumer,
      'agentmq.attempt': attempt,
    });
  }

  /** A task was given to an agent, which was begun at `startTime`. */
  assigned({ id, trace, destination, agentId, ...sent }: AssignedWork, startTime: Date): void {
    if (!trace || !isToTell({ trace })) return;
    const attributes = { 'messaging.message.id': id, 'agentmq.agent.id': agentId };
    this.start('assign', 'CLIENT', destination, sent, { parent: trace, attributes, startTime })?.end();
  }

  /**
   * Does what is done for several messages at once. A span has one parent: that is the first message of a trace that is recorded,
   * and the span is linked to the others, {@link MOST_LINKS} at most. Rejects as `work` does.
   */
  async together<T>(
    operation: 'receive' | 'settle',
    consumer: ConsumerName,
    messages: readonly { readonly trace?: TraceContext | undefined }[],
    work: () => Promise<T>,
  ): Promise<T> {
    if (!tracesSpans()) return work();
    const [parent, ...links] = messages.flatMap(({ trace }) => (trace && isSampled(trace) ? [trace] : []));
    if (!parent) return work();
    const attributes = {
      'messaging.consumer.group.name': consumer,
      'messaging.batch.message_count': messages.length > 1 ? messages.length : undefined,
    };
    const span = this.start(operation, 'CLIENT', consumer, undefined, {
      parent,
      links: links.slice(0, MOST_LINKS),
      attributes,
    });
    try {
      const result = await (span ? span.run(work) : work());
      span?.end();
      return result;
    } catch (error) {
      span?.end({ error: toWireError(error) });
      throw error;
    }
  }

  private of(
    message: Told,
    operation: Operation,
    kind: SpanStart['kind'],
    destination: string,
    attributes?: SpanAttributes,
  ): StartedSpan | undefined {
    return this.start(operation, kind, destination, message, {
      ...(message.trace && { parent: message.trace }),
      attributes: { ...messageOf(message), ...attributes },
    });
  }

  /** Where a trace begins, each message asks here whether it is recorded: most are not, and are to cost little. */
  private start(
    operation: Operation,
    kind: SpanStart['kind'],
    destination: string,
    sent: Sent | undefined,
    { attributes: more, parent, links, startTime }: Partial<Omit<SpanStart, 'name' | 'kind'>>,
  ): StartedSpan | undefined {
    const attributes = {
      'messaging.system': 'agentmq',
      'messaging.operation.name': operation,
      'messaging.operation.type': TYPES[operation],
      'messaging.destination.name': destination,
      'messaging.client.id': this.agentId,
      'agentmq.contract.type': sent?.type,
      'agentmq.contract.version': sent?.version,
    };
    if (more) Object.assign(attributes, more);
    return startSpan({ name: spanName(operation, destination), kind, parent, links, attributes, startTime });
  }
}

/** Whether a span is to be made: of a trace that is recorded, where the app has a tracer provider. */
const isToTell = ({ trace }: Pick<Message, 'trace'>): boolean =>
  trace !== undefined && isSampled(trace) && tracesSpans();
