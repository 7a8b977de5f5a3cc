/** How many tasks wait and run. */
import type { Overview } from '../../api/types.js';
import { href } from '../../state/router.js';
import { Card } from '../../ui/basics.js';
import { count } from '../../ui/format.js';

export const TaskCounts = ({ of: { queued, running, failed } }: { readonly of: Overview['tasks'] }) => (
  <Card title="Tasks" action={<a href={href('/tasks')}>All tasks</a>}>
    <ul class="counts">
      <li>
        <a href={href('/tasks', { state: 'queued' })}>
          <b>{count(queued)}</b> queued
        </a>
      </li>
      <li>
        <a href={href('/tasks', { state: 'running' })}>
          <b>{count(running)}</b> running
        </a>
      </li>
      <li class={failed > 0 ? 'bad' : ''}>
        <a href={href('/tasks', { state: 'failed' })}>
          <b>{count(failed)}</b> failed in the last hour
        </a>
      </li>
    </ul>
  </Card>
);
