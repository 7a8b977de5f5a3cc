/** What an operator should look at, most urgent first; a quiet line where there is nothing. */
import type { ComponentChildren } from 'preact';
import { flow } from '../../api/live.js';
import type { Overview } from '../../api/types.js';
import { href } from '../../state/router.js';
import { duration, plural } from '../../ui/format.js';
import { Icon } from '../../ui/icon.js';

interface Matter {
  readonly key: string;
  readonly kind: 'bad' | 'warn';
  readonly text: ComponentChildren;
  readonly to: string;
  readonly action: string;
}

/** An outbox that is older than that does not keep up. */
const OUTBOX_SECONDS = 10;

export function Attention({ of }: { readonly of: Overview }) {
  const found = matters(of);
  if (found.length === 0) {
    return (
      <p class="calm">
        <Icon name="check" />
        Nothing needs your attention.
      </p>
    );
  }
  return (
    <ul class="attention" aria-label="Needs attention">
      {found.map(({ key, kind, text, to, action }) => (
        <li key={key} class={kind}>
          <span>{text}</span>
          <a href={to}>
            {action}
            <Icon name="next" />
          </a>
        </li>
      ))}
    </ul>
  );
}

function matters({ agents, deadLetters, outbox, leaders, paused, tasks }: Overview): Matter[] {
  const silent = leaders.filter(({ alive }) => !alive).map(({ group }) => group);
  const orphans = (flow.value?.nodes ?? []).filter(
    ({ kind, agents, backlog }) => kind === 'role' && agents === 0 && backlog > 0,
  );
  const waiting = orphans.reduce((sum, { backlog }) => sum + backlog, 0);
  const all: readonly (Matter | false)[] = [
    silent.length > 0 && {
      key: 'leader',
      kind: 'bad',
      text: `The leader of ${silent.join(', ')} is not alive: an election is due.`,
      to: href('/decisions'),
      action: 'Decisions',
    },
    outbox.oldestAgeSeconds > OUTBOX_SECONDS && {
      key: 'outbox',
      kind: 'bad',
      text: `The outbox does not keep up: ${plural(outbox.entries, 'message')}, the oldest for ${duration(outbox.oldestAgeSeconds * 1_000)}.`,
      to: href('/messages', { state: 'unpublished' }),
      action: 'Unpublished messages',
    },
    agents.unhealthy > 0 && {
      key: 'agents',
      kind: 'bad',
      text: `${plural(agents.unhealthy, 'agent')} ${agents.unhealthy === 1 ? 'is' : 'are'} not healthy.`,
      to: href('/agents', { health: 'unhealthy' }),
      action: 'Agents',
    },
    waiting > 0 && {
      key: 'orphans',
      kind: 'bad',
      text: `${plural(waiting, 'message')} ${waiting === 1 ? 'waits' : 'wait'} for ${orphans.map(({ id }) => id).join(', ')}, where no agent is.`,
      to: href('/consumers'),
      action: 'Consumers',
    },
    deadLetters > 0 && {
      key: 'dead',
      kind: 'bad',
      text: `${plural(deadLetters, 'message')} could not be handled.`,
      to: href('/dead-letters'),
      action: 'Dead letters',
    },
    tasks.failed > 0 && {
      key: 'tasks',
      kind: 'warn',
      text: `${plural(tasks.failed, 'task')} failed in the last hour.`,
      to: href('/tasks', { state: 'failed' }),
      action: 'Failed tasks',
    },
    paused.consumers > 0 && {
      key: 'paused consumers',
      kind: 'warn',
      text: `${plural(paused.consumers, 'consumer')} ${paused.consumers === 1 ? 'is' : 'are'} paused: messages wait.`,
      to: href('/consumers'),
      action: 'Consumers',
    },
    paused.agents > 0 && {
      key: 'paused agents',
      kind: 'warn',
      text: `${plural(paused.agents, 'agent')} ${paused.agents === 1 ? 'is' : 'are'} paused: nothing new is taken.`,
      to: href('/agents'),
      action: 'Agents',
    },
  ];
  return all.filter((each) => each !== false);
}
