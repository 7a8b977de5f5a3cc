/** Requeue and discard of many dead letters, each asked for with their number. */
import { post } from '../../api/client.js';
import { dryRun } from '../../api/dry-run.js';
import { changed } from '../../api/live.js';
import type { ReplayView } from '../../api/types.js';
import { go } from '../../state/router.js';
import { confirm } from '../../ui/dialog.js';
import { count, plural } from '../../ui/format.js';
import { toast } from '../../ui/toasts.js';

/** As the endpoints take it. */
export interface Selection {
  readonly ids?: readonly string[];
  readonly group?: string;
  readonly type?: string;
  readonly consumer?: string;
  readonly from?: string;
  readonly before?: string;
  readonly error?: string;
  readonly all?: boolean;
}

/** All that one of the selections holds. Resolves when it is done or under way; with false if it was not confirmed. */
export function requeueAll(selections: readonly Selection[], what: string): Promise<boolean> {
  return ask('requeue', selections, {
    title: `Requeue ${what}`,
    text: (n) =>
      n === undefined ? 'Counting…' : `${plural(n, 'dead letter')} will begin anew, with all their attempts.`,
    action: 'Requeue',
    kind: 'primary',
  });
}

/** As {@link requeueAll}. */
export function discardAll(selections: readonly Selection[], what: string): Promise<boolean> {
  return ask('discard', selections, {
    title: `Discard ${what}`,
    text: (n) =>
      n === undefined
        ? 'Counting…'
        : `${plural(n, 'dead letter')} will stay on record, and will not be handled any more.`,
    action: 'Discard',
    kind: 'danger',
    reason: 'required',
  });
}

type Command = 'requeue' | 'discard';
type Question = Omit<Parameters<typeof confirm>[0], 'count' | 'run' | 'done'>;

async function ask(command: Command, selections: readonly Selection[], question: Question): Promise<boolean> {
  const url = `/dead-letters/${command}`;
  const body = (selection: Selection, reason: string): object =>
    command === 'discard' ? { ...selection, reason } : selection;
  const views: ReplayView[] = [];
  const answer = await confirm({
    ...question,
    count: async (signal) => {
      let total = 0;
      for (const selection of selections) total += (await dryRun(url, body(selection, 'counted'), signal)).matched;
      return total;
    },
    run: async (reason) => {
      for (const selection of selections.slice(views.length))
        views.push(await post<ReplayView>(url, body(selection, reason)));
    },
  });
  if (views.length > 0) changed(['dead-letters', 'messages', 'replays']);
  if (!answer) return false;
  if (views.some(({ state }) => state === 'running')) {
    toast('Under way: its progress is shown here');
    go('/replay');
  } else {
    const done = views.reduce((sum, { replayed }) => sum + replayed, 0);
    toast(`${count(done)} ${command === 'discard' ? 'discarded' : 'requeued'}`);
  }
  return true;
}
