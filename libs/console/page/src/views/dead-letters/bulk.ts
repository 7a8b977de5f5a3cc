/** Requeue and discard of many dead letters, each asked for with their number. */
import { post } from '../../api/client.js';
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

/** All that one of the selections holds. Resolves when it is done, is under way, or was not confirmed. */
export async function requeueAll(selections: readonly Selection[], what: string): Promise<void> {
  await ask('requeue', selections, {
    title: `Requeue ${what}`,
    text: (n) =>
      n === undefined ? 'Counting…' : `${plural(n, 'dead letter')} will begin anew, with all their attempts.`,
    action: 'Requeue',
    kind: 'primary',
  });
}

export async function discardAll(selections: readonly Selection[], what: string): Promise<void> {
  await ask('discard', selections, {
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

async function ask(command: Command, selections: readonly Selection[], question: Question): Promise<void> {
  const views: ReplayView[] = [];
  const answer = await confirm({
    ...question,
    count: async () => {
      let total = 0;
      for (const selection of selections)
        total += (await carryOut(command, { ...selection, dryRun: true }, 'counted')).matched;
      return total;
    },
    run: async (reason) => {
      for (const selection of selections) views.push(await carryOut(command, selection, reason));
    },
  });
  if (!answer) return;
  changed(['dead-letters', 'messages', 'replays']);
  if (views.some(({ state }) => state === 'running')) {
    toast('Under way: its progress is shown here');
    go('/replay');
    return;
  }
  const done = views.reduce((sum, { replayed }) => sum + replayed, 0);
  toast(`${count(done)} ${command === 'discard' ? 'discarded' : 'requeued'}`);
}

const carryOut = (
  command: Command,
  selection: Selection & { readonly dryRun?: boolean },
  reason: string,
): Promise<ReplayView> =>
  post(`/dead-letters/${command}`, { ...selection, ...(command === 'discard' ? { reason } : {}) });
