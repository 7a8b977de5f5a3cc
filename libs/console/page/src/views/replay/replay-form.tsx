/** Chooses what is to be replayed, and shows what that is before anything is done. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DeliveryState } from 'agentmq/message-store';
import { path, post } from '../../api/client.js';
import { dryRun } from '../../api/dry-run.js';
import { changed } from '../../api/live.js';
import type { ReplayView as Job } from '../../api/types.js';
import { href } from '../../state/router.js';
import { Button, Card, Id, Status } from '../../ui/basics.js';
import { confirm } from '../../ui/dialog.js';
import { count, plural } from '../../ui/format.js';
import { toast } from '../../ui/toasts.js';

const states: readonly (readonly [DeliveryState, string])[] = [
  ['dead', 'Dead'],
  ['expired', 'Expired'],
  ['completed', 'Completed'],
  ['pending', 'Pending'],
  ['processing', 'Being handled'],
  ['retrying', 'To be retried'],
];

const texts = [
  ['consumer', 'Consumer', 'role.worker'],
  ['type', 'Type', 'order_placed'],
  ['topic', 'Topic', 'orders.*'],
  ['traceId', 'Trace id', ''],
] as const;

type Values = Readonly<Record<string, string>>;

export function ReplayForm({ started }: { readonly started: () => void }) {
  const [values, setValues] = useState<Values>({});
  const [chosen, setChosen] = useState<readonly DeliveryState[]>(['dead', 'expired']);
  const [seen, setSeen] = useState<Job>();
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const selection = selectionOf(values, chosen);
  const counting = useRef(new AbortController());
  useEffect(() => () => counting.current.abort(), []);
  // what was counted, or is being counted, is of the selection of before
  const change = (done: () => void): void => {
    counting.current.abort();
    done();
    setSeen(undefined);
    setFault(undefined);
    setBusy(false);
  };
  const look = async (): Promise<void> => {
    const { signal } = (counting.current = new AbortController());
    setBusy(true);
    setFault(undefined);
    setSeen(undefined);
    const unlessChanged = (tell: () => void): void => {
      if (!signal.aborted) tell();
    };
    try {
      setSeen(await dryRun('/replay', selection, signal, setSeen));
    } catch (error) {
      unlessChanged(() => {
        setSeen(undefined);
        setFault((error as Error).message);
      });
    } finally {
      unlessChanged(() => setBusy(false));
    }
  };
  const replay = async (): Promise<void> => {
    let job: Job | undefined;
    const answer = await confirm({
      title: 'Replay these messages',
      text: () => `${plural(seen?.replayed ?? 0, 'delivery', 'deliveries')} will be put on their way again.`,
      action: 'Replay',
      run: async () => {
        job = await post<Job>('/replay', selection);
      },
    });
    if (!answer || !job) return;
    toast(job.state === 'running' ? 'Under way' : `${count(job.replayed)} replayed`);
    setSeen(undefined);
    changed(['messages', 'dead-letters', 'replays']);
    started();
  };
  return (
    <Card title="Replay messages">
      <form
        class="chooser"
        onSubmit={(event) => {
          event.preventDefault();
          void look();
        }}
      >
        <fieldset class="ticks">
          <legend>Deliveries that are</legend>
          {states.map(([state, label]) => (
            <label key={state}>
              <input
                type="checkbox"
                checked={chosen.includes(state)}
                onChange={({ currentTarget: { checked } }) =>
                  change(() => setChosen(checked ? [...chosen, state] : chosen.filter((each) => each !== state)))
                }
              />
              <span>{label}</span>
            </label>
          ))}
        </fieldset>
        <div class="filters">
          {texts.map(([name, label, placeholder]) => (
            <label key={name} class="field">
              <span>{label}</span>
              <input
                type="search"
                value={values[name] ?? ''}
                placeholder={placeholder}
                spellcheck={false}
                autocomplete="off"
                onInput={({ currentTarget: { value } }) => change(() => setValues({ ...values, [name]: value.trim() }))}
              />
            </label>
          ))}
          {(['from', 'before'] as const).map((name) => (
            <label key={name} class="field">
              <span>{name === 'from' ? 'Stored from' : 'Stored before'}</span>
              <input
                type="datetime-local"
                value={values[name] ?? ''}
                onChange={({ currentTarget: { value } }) => change(() => setValues({ ...values, [name]: value }))}
              />
            </label>
          ))}
        </div>
        {fault && (
          <p class="status bad" role="alert">
            {fault}
          </p>
        )}
        {seen && <Preview of={seen} />}
        <footer>
          <Button type="submit" icon="search" busy={busy} disabled={chosen.length === 0}>
            Preview
          </Button>
          {seen?.state === 'ended' && (
            <Button kind="primary" icon="replay" disabled={seen.replayed === 0} onClick={() => void replay()}>
              Replay {count(seen.replayed)}
            </Button>
          )}
        </footer>
      </form>
    </Card>
  );
}

/** As the endpoint takes it: times in ISO 8601. */
function selectionOf(values: Values, states: readonly DeliveryState[]): object {
  const given = Object.entries(values).filter(([, value]) => value !== '');
  return {
    states,
    ...Object.fromEntries(
      given.map(([name, value]) => [
        name,
        name === 'from' || name === 'before' ? new Date(value).toISOString() : value,
      ]),
    ),
  };
}

function Preview({ of: { matched, replayed, state, preview } }: { readonly of: Job }) {
  const most = Math.max(1, ...(preview?.counts ?? []).map(({ count: n }) => n));
  return (
    <section class="preview" aria-label="Preview" aria-live="polite">
      <p>
        {state === 'running' && <Status kind="busy">still counting</Status>}{' '}
        <b>{plural(matched, 'delivery', 'deliveries')}</b> {matched === 1 ? 'is' : 'are'} like that
        {replayed < matched && `, ${count(replayed)} of which would be put on their way`}.
      </p>
      {preview && preview.counts.length > 0 && (
        <ol class="bars">
          {preview.counts.map(({ consumer, type, count: n }) => (
            <li key={`${consumer} ${type}`}>
              <span>
                {type} <span class="faint">at {consumer}</span>
              </span>
              <span class="bar">
                <span style={{ width: `${(n / most) * 100}%` }} />
              </span>
              <span class="figure">{count(n)}</span>
            </li>
          ))}
        </ol>
      )}
      {preview && preview.sample.length > 0 && (
        <p class="sample">
          Such as{' '}
          {preview.sample.slice(0, 5).map((id) => (
            <Id key={id} value={id} to={href(path`/messages/${id}`)} />
          ))}
        </p>
      )}
    </section>
  );
}
