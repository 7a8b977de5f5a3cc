import { exitOnSecondSignal } from 'agentmq/agent';
import { type DeliveryState, type ReplaySelection, type Store } from 'agentmq/message-store';
import { Replayer, type ReplayProgress, type ReplayRun } from 'agentmq/messaging';
import { print } from '../output.js';
import { InterruptedError } from './errors.js';
import { ReplayDisplay } from './replay-display.js';
import { withStore } from './with-store.js';

export interface ReplayCommandOptions {
  readonly id?: readonly string[];
  readonly trace?: string;
  readonly type?: string;
  readonly topic?: string;
  readonly consumer?: string;
  readonly from?: Date;
  readonly toTime?: Date;
  readonly state?: readonly DeliveryState[];
  readonly to?: string;
  readonly dryRun: boolean;
  readonly rate?: number;
}

/** Replays what the options select, and says how much that was. Rejects as `Replayer.replay` does. */
export function replayMessages(options: ReplayCommandOptions): Promise<void> {
  const { id, trace, type, topic, consumer, from, toTime, state, to, dryRun, rate } = options;
  const selection: ReplaySelection = {
    ...(id ? { messageIds: id } : {}),
    ...(trace === undefined ? {} : { traceId: trace }),
    ...(type === undefined ? {} : { type }),
    ...(topic === undefined ? {} : { topic }),
    ...(consumer === undefined ? {} : { consumer }),
    ...(from ? { from } : {}),
    ...(toTime ? { before: toTime } : {}),
    ...(state ? { states: state } : {}),
  };
  const run = { dryRun, ...(to === undefined ? {} : { to }), ...(rate === undefined ? {} : { rate }) };
  return withStore((store, settings) => replayAll(store, settings.messaging.outboxLimit, selection, run));
}

/** Replays with progress on stderr and a summary on stdout; the first SIGINT or SIGTERM ends it between two batches. */
export async function replayAll(
  store: Store,
  outboxLimit: number,
  selection: ReplaySelection,
  run: Pick<ReplayRun, 'to' | 'move' | 'dryRun' | 'rate'>,
): Promise<void> {
  const replayer = new Replayer(store, { outboxLimit });
  const display = new ReplayDisplay();
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  exitOnSecondSignal();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let progress: ReplayProgress = { matched: 0, replayed: 0 };
  try {
    if (display.wantsTotal && !run.dryRun) {
      const { replayed } = await replayer.replay(selection, { ...run, dryRun: true, signal: abort.signal });
      display.start(replayed);
    }
    progress = await replayer.replay(selection, {
      ...run,
      signal: abort.signal,
      onProgress: (now) => {
        progress = now;
        display.show(now);
      },
    });
  } catch (error) {
    throw abort.signal.aborted ? new InterruptedError(summaryOf(progress, run)) : error;
  } finally {
    display.stop();
  }
  print(summaryOf(progress, run));
}

function summaryOf(
  { matched, replayed }: ReplayProgress,
  { move = false, dryRun = false }: Pick<ReplayRun, 'move' | 'dryRun'>,
): string {
  const [verb, done] = move ? ['move', 'moved'] : ['replay', 'replayed'];
  const why = move ? 'claimed meanwhile: move them again' : 'completed there, or on their way already';
  const rest = matched - replayed;
  return `${dryRun ? `would ${verb}` : done} ${replayed} of ${matched} deliveries${rest > 0 ? `; ${rest} ${why}` : ''}`;
}
