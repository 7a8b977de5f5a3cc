import { exitOnSecondSignal } from 'agentmq/agent';
import type { ReplayProgress } from 'agentmq/messaging';
import type { BulkRun } from 'agentmq/operations';
import { confirmed } from '../command/confirm.js';
import { InterruptedError } from '../command/errors.js';
import type { JsonOption, YesOption } from '../command/options.js';
import { print, printJson, some } from '../output/index.js';
import { ReplayDisplay } from './replay-display.js';

/** Of every command that changes many deliveries. */
export interface BulkOptions extends YesOption, JsonOption {
  readonly dryRun: boolean;
  readonly rate?: number;
}

type Step = Pick<BulkRun, 'dryRun' | 'signal' | 'onProgress' | 'rate'>;

const ON_ITS_WAY = 'completed there, or on their way already';
const WORDS = {
  replay: ['replay', 'replayed', ON_ITS_WAY],
  requeue: ['requeue', 'requeued', ON_ITS_WAY],
  discard: ['discard', 'discarded', 'changed meanwhile'],
  move: ['move', 'moved', 'claimed meanwhile: move them again'],
} as const;

/**
 * Changes many deliveries: asks before it changes more than one, shows its progress on stderr and a summary on stdout. The first
 * SIGINT or SIGTERM ends it between two batches.
 */
export async function carryOut<Progress extends ReplayProgress>(
  what: keyof typeof WORDS,
  { dryRun, yes, json, rate }: BulkOptions,
  change: (run: Step) => Promise<Progress>,
): Promise<void> {
  const display = new ReplayDisplay();
  const abort = new AbortController();
  const { signal } = abort;
  const interrupt = () => abort.abort();
  exitOnSecondSignal();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const given = rate === undefined ? { signal } : { signal, rate };
  let progress: ReplayProgress = { matched: 0, replayed: 0 };
  try {
    if (!dryRun && (!yes || display.wantsTotal)) {
      const { replayed } = await change({ ...given, dryRun: true });
      if (replayed > 1)
        await confirmed(`This ${WORDS[what][0]}s ${some(replayed, 'delivery', 'deliveries')}. Go on?`, { yes });
      if (display.wantsTotal) display.start(replayed);
    }
    progress = await change({
      ...given,
      dryRun,
      onProgress: (now) => {
        progress = now;
        display.show(now);
      },
    });
  } catch (error) {
    throw signal.aborted ? new InterruptedError(summaryOf(progress, what, dryRun)) : error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    display.stop();
  }
  if (json) printJson(progress);
  else print(summaryOf(progress, what, dryRun));
}

function summaryOf({ matched, replayed }: ReplayProgress, what: keyof typeof WORDS, dryRun: boolean): string {
  const [verb, done, why] = WORDS[what];
  const rest = matched - replayed;
  return `${dryRun ? `would ${verb}` : done} ${replayed} of ${matched} deliveries${rest > 0 ? `; ${rest} ${why}` : ''}`;
}
