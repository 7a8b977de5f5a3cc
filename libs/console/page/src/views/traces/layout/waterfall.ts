import type { HopAttempt, Trace } from 'agentmq/messaging';
import type { Json } from 'agentmq/operations';
import { type Bar, barOf, type Timeline, timelineOf } from '../../timeline/timeline.js';
import { type HopView, type TreeRow, treeOf } from './tree.js';

/** The hops of a trace, each below its cause, over the time since the trace began. */
export function waterfallOf(trace: Json<Trace>): Timeline<TreeRow> {
  const start = Date.parse(trace.startedAt);
  return timelineOf(
    treeOf(trace.hops).map((row) => ({
      key: row.key,
      item: row,
      depth: row.depth,
      bars: barsOf(row.hop, start, trace.endedAt),
    })),
  );
}

/** What is under way lasts until `now`: the last that is known of the trace. */
function barsOf(hop: HopView, start: number, now: string): Bar[] {
  const { sentAt, publishedAt, attempts, outcome } = hop;
  const firstRun = attempts[0]?.receivedAt ?? hop.receivedAt ?? attempts[0]?.handledAt;
  const bars: Bar[] = [];
  const hasGone = publishedAt ?? firstRun;
  const isWaiting = outcome === 'waiting';
  bars.push(
    ...barOf(start, sentAt, hasGone ?? (isWaiting ? now : sentAt), {
      kind: 'sending',
      outcome: hasGone ? 'completed' : isWaiting ? 'open' : outcome === 'failed' ? 'failed' : 'completed',
      label: 'sending',
    }),
  );
  if (publishedAt) {
    const waitsOn = !firstRun && isWaiting;
    if (firstRun || waitsOn)
      bars.push(
        ...barOf(start, publishedAt, firstRun ?? now, {
          kind: 'waiting',
          outcome: waitsOn ? 'open' : 'completed',
          label: `waiting for ${hop.consumer ?? hop.to}`,
        }),
      );
  }
  for (const [index, attempt] of attempts.entries()) {
    const before = attempts[index - 1];
    const began = attempt.receivedAt ?? attempt.handledAt;
    if (before?.handledAt && began)
      bars.push(
        ...barOf(start, before.handledAt, began, { kind: 'retry', outcome: 'completed', label: 'to be retried' }),
      );
    bars.push(...runOf(attempt, attempts[index + 1], start, now));
  }
  const last = attempts.at(-1);
  if (outcome === 'retrying' && last?.handledAt)
    bars.push(...barOf(start, last.handledAt, now, { kind: 'retry', outcome: 'open', label: 'to be retried' }));
  return bars;
}

/** The end of an attempt whose process died is not known: it is over when the next begins. */
function runOf(attempt: Json<HopAttempt>, next: Json<HopAttempt> | undefined, start: number, now: string): Bar[] {
  const { receivedAt, handledAt, outcome, agent } = attempt;
  const isOver = handledAt !== undefined || next !== undefined;
  return barOf(start, receivedAt ?? handledAt, handledAt ?? next?.receivedAt ?? now, {
    kind: 'running',
    outcome: !isOver ? 'open' : outcome === 'completed' ? 'completed' : 'failed',
    label: `attempt ${attempt.attempt} on ${agent}`,
  });
}
