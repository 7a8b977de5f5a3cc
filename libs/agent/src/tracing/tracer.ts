import { Injectable } from '@nestjs/common';
import type { TraceContext } from 'agentmq/protocol';
import { Store } from 'agentmq/message-store';
import { startSpan } from 'agentmq/telemetry';
import {
  contextOf,
  currentMessage,
  inTrace,
  newTrace,
  readTrace,
  Sampler,
  type Trace,
  traceIdOf,
} from 'agentmq/messaging';

/** A trace that messages are sent on. */
export interface StartedTrace {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** What `work` sends, and what comes of that, is part of the trace. */
  run<T>(work: () => T): T;
}

/** Begins traces, and reads what became of them. */
@Injectable()
export class Tracer {
  constructor(
    private readonly store: Store,
    private readonly sampler: Sampler,
  ) {}

  /**
   * Begins a trace, or goes on with that of a message, which has then caused what is sent. Nothing is sent before the trace
   * is `run`. Rejects, for a message, with `TraceNotFoundError` when none of it is on record, and as the store does.
   */
  async startTrace(messageId?: string): Promise<StartedTrace> {
    const context = messageId === undefined ? this.newTrace() : await this.contextOf(messageId);
    return { id: traceIdOf(context), run: (work) => inTrace(context, messageId, work) };
  }

  /**
   * A trace by its id, or by that of one of its messages: the agents on its path, each hop with its times, attempts and
   * outcome. What happens is on record within about a second. Rejects with `TraceNotFoundError`, and as the store does.
   */
  getTrace(id: string): Promise<Trace> {
    return readTrace(this.store, id);
  }

  /** Where the app has a tracer provider, a span is the first of it, which is over at once. */
  private newTrace(): TraceContext {
    const span = startSpan({ name: 'trace', kind: 'INTERNAL', parent: null, attributes: {} });
    span?.end();
    return span?.trace ?? newTrace(this.sampler.sample());
  }

  /** The message being handled need not be on record yet. */
  private async contextOf(messageId: string): Promise<TraceContext> {
    const current = currentMessage();
    return current?.messageId === messageId && current.trace ? current.trace : contextOf(this.store, messageId);
  }
}
