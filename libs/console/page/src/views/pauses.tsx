/** Pausing, draining and resuming a consumer or an agent, each with a confirmation; and what is told of a pause. */
import { post } from '../api/client.js';
import { changed } from '../api/live.js';
import type { Pause } from '../api/types.js';
import { Button } from '../ui/basics.js';
import { type Confirmation, confirm } from '../ui/dialog.js';
import { Time } from '../ui/time.js';

export interface PauseActionsProps {
  /** `/agents/worker-1`, `/consumers/role.worker` */
  readonly url: string;
  readonly name: string;
  readonly of: 'agent' | 'consumer';
  readonly pause: Pause | undefined;
  /** In a table: one button. */
  readonly short?: boolean;
}

export function PauseActions({ url, name, of, pause, short = false }: PauseActionsProps) {
  const ask = (verb: 'pause' | 'resume' | 'drain', confirmation: Omit<Confirmation, 'run'>): void => {
    const run = async (reason: string): Promise<void> => {
      await post(`${url}/${verb}`, reason ? { reason } : {});
      changed(['pauses', 'agents', 'consumers']);
    };
    void confirm({ ...confirmation, run });
  };
  const resume = (): void =>
    ask('resume', {
      title: `Resume ${name}`,
      text: () => `It takes messages again at once, the ones that have waited first.`,
      action: 'Resume',
      reason: 'optional',
      done: `${name} is resumed`,
    });
  const hold = (): void =>
    ask('pause', {
      title: `Pause ${name}`,
      text: () =>
        of === 'agent'
          ? 'The agent takes no new message and no new task, and finishes what it has. Requests to it wait, and time out.'
          : 'No agent reads this inbox, also none that starts later. Messages wait in it until it is resumed.',
      action: 'Pause',
      reason: 'required',
      done: `${name} is paused`,
    });
  const drain = (): void =>
    ask('drain', {
      title: `Drain ${name}`,
      text: () =>
        'The agent takes nothing new and finishes what it has; it is shown as drained when it can be stopped.',
      action: 'Drain',
      reason: 'required',
      done: `${name} is being drained`,
    });
  if (pause) {
    return (
      <Button
        needs="operator"
        icon="play"
        onClick={resume}
        label={`Resume ${name}`}
        {...(short ? { kind: 'quiet' } : {})}
      >
        Resume
      </Button>
    );
  }
  return (
    <>
      <Button
        needs="operator"
        icon="pause"
        onClick={hold}
        label={`Pause ${name}`}
        {...(short ? { kind: 'quiet' } : {})}
      >
        Pause
      </Button>
      {of === 'agent' && !short && (
        <Button needs="operator" icon="drain" onClick={drain}>
          Drain
        </Button>
      )}
    </>
  );
}

export const pauseState = ({ drain, drained = false }: Pause): 'paused' | 'draining' | 'drained' =>
  drain ? (drained ? 'drained' : 'draining') : 'paused';

export const PauseNotice = ({ of: pause }: { readonly of: Pause }) => (
  <p class="notice warn">
    <span>
      <b>{sentence[pauseState(pause)]}</b> By {pause.by}, <Time at={pause.since} />: {pause.reason}
    </span>
  </p>
);

const sentence = {
  paused: 'Paused: it takes nothing new.',
  draining: 'Draining: it finishes what it has.',
  drained: 'Drained: it has nothing left and can be stopped.',
};
