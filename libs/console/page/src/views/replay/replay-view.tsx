/** Puts stored messages on their way again: chosen, counted, confirmed, and followed to its end. */
import { useEffect, useState } from 'preact/hooks';
import { del, path } from '../../api/client.js';
import { changed } from '../../api/live.js';
import type { ReplayView as Job } from '../../api/types.js';
import { usePages } from '../../api/use.js';
import { can } from '../../state/session.js';
import { Button, Card, Id, type Kind, Status } from '../../ui/basics.js';
import { confirm } from '../../ui/dialog.js';
import { count } from '../../ui/format.js';
import { Empty, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { Time } from '../../ui/time.js';
import { toast } from '../../ui/toasts.js';
import { View } from '../../ui/view.js';
import { ReplayForm } from './replay-form.js';

const FOLLOW_MS = 1_000;

const kinds: Readonly<Record<Job['state'], Kind>> = { running: 'busy', ended: 'good', stopped: 'idle', failed: 'bad' };

export function ReplaysView() {
  const jobs = usePages<Job>('/replay', {}, ['replays']);
  const shown = jobs.items?.filter(({ dryRun }) => !dryRun) ?? [];
  const isRunning = shown.some(({ state }) => state === 'running');
  // its progress is told by no event
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(jobs.reload, FOLLOW_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  return (
    <View
      title="Replay"
      lead="Puts stored messages on their way again. What is on its way already, or was completed, is not sent twice."
    >
      {can('operator') ? (
        <ReplayForm started={jobs.reload} />
      ) : (
        <p class="notice">Only an operator may begin a replay.</p>
      )}
      <Card title="Running and recent" flush={shown.length > 0}>
        {jobs.items ? (
          <Table
            label="Replays"
            columns={columns}
            rows={shown}
            rowKey={({ id }) => id}
            empty={
              <Empty title="Nothing was replayed">Since this server began. What was done before is in the audit.</Empty>
            }
          />
        ) : (
          <Pending of={jobs} />
        )}
      </Card>
    </View>
  );
}

const columns: readonly Column<Job>[] = [
  {
    title: 'What',
    wide: true,
    cell: ({ kind, target, id }) => (
      <span class="two-lines">
        <span>
          <b>{kind}</b> {target}
        </span>
        <Id value={id} />
      </span>
    ),
  },
  { title: 'State', cell: (job) => <State job={job} /> },
  { title: 'Done', align: 'end', cell: ({ matched, replayed }) => `${count(replayed)} of ${count(matched)}` },
  { title: 'By', cell: ({ by }) => by, minor: true },
  { title: 'Began', align: 'end', cell: ({ startedAt }) => <Time at={startedAt} /> },
  { title: '', align: 'end', cell: (job) => job.state === 'running' && <Stop id={job.id} /> },
];

const State = ({ job: { state, error } }: { readonly job: Job }) => (
  <span class="two-lines">
    <Status kind={kinds[state]}>{state}</Status>
    {error && <span class="error">{error}</span>}
  </span>
);

function Stop({ id }: { readonly id: string }) {
  const [busy, setBusy] = useState(false);
  const stop = async (): Promise<void> => {
    const answer = await confirm({
      title: 'Stop this',
      text: () => 'What was put on its way so far goes its way.',
      action: 'Stop',
      kind: 'danger',
    });
    if (!answer) return;
    setBusy(true);
    await del(path`/replay/${id}`).catch((error: Error) => toast(error.message, 'bad'));
    changed(['replays']);
    setBusy(false);
  };
  return (
    <Button icon="stop" kind="quiet" needs="operator" busy={busy} onClick={() => void stop()}>
      Stop
    </Button>
  );
}
