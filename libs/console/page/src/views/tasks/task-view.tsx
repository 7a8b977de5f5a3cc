/** One task: where it is, its parts over time, its attempts, and what came of it. */
import { del, get, path, post } from '../../api/client.js';
import { changed } from '../../api/live.js';
import type { TaskNode, TaskTree, TaskView as Task } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { can } from '../../state/session.js';
import { Button, Card, Facts, Id, Status } from '../../ui/basics.js';
import { confirm } from '../../ui/dialog.js';
import { duration, plural } from '../../ui/format.js';
import { Pending } from '../../ui/states.js';
import { now, Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { Json } from '../messages/payload.js';
import { TimelineChart } from '../timeline/timeline-chart.js';
import { isSettled, taskKinds } from './task-kinds.js';
import { taskTimeline } from './task-timeline.js';

export function TaskView({ id = '' }: { readonly id?: string }) {
  const asked = useQuery<Task>((signal) => get(path`/tasks/${id}`, {}, signal), [id], ['tasks']);
  const tree = useQuery<TaskTree>((signal) => get(path`/tasks/${id}/tree`, {}, signal), [id], ['tasks']);
  const { data: task } = asked;
  return (
    <View
      title={task ? `${task.type}@${task.version}` : 'Task'}
      heading={
        task && (
          <>
            {task.type}
            <span class="faint">@{task.version}</span> <Status kind={taskKinds[task.state]}>{task.state}</Status>
          </>
        )
      }
      lead={task && <Lead task={task} />}
      back={
        task?.parentId ? ['The task it is part of', href(path`/tasks/${task.parentId}`)] : ['Tasks', href('/tasks')]
      }
      actions={task && <Actions task={task} />}
    >
      {task ? (
        <>
          <Card title="Over time" action={<a href={href(path`/traces/${id}`)}>Open its trace</a>}>
            {tree.data ? <Tree of={tree.data} attempts={task.attempts} /> : <Pending of={tree} />}
          </Card>
          <div class="detail">
            <div class="main">
              <Outcome task={task} />
              <Attempts task={task} />
            </div>
            <div class="aside">
              <About task={task} />
            </div>
          </div>
        </>
      ) : (
        <Pending of={asked} />
      )}
    </View>
  );
}

const Lead = ({ task: { submitter, destination, createdAt } }: { readonly task: Task }) => (
  <>
    {submitter} → {destination}, submitted <Time at={createdAt} />
  </>
);

const isRun = (destination: string): boolean => destination.startsWith('pipeline.');

function Actions({ task: { id, parentId, destination, state, parts } }: { readonly task: Task }) {
  if (!can('submitter')) return null;
  const cancel = (): void => {
    void confirm({
      title: 'Cancel this task',
      text: () =>
        parts.count > 0 ? `It and its ${plural(parts.count, 'part')} end where they are.` : 'It ends where it is.',
      action: 'Cancel the task',
      dismissal: 'Keep it',
      kind: 'danger',
      reason: 'optional',
      run: (reason) => del(path`/tasks/${id}`, { reason: reason || undefined }),
      done: 'Cancelled',
    }).then(() => changed(['tasks']));
  };
  const retry = (): void => {
    void confirm({
      title: 'Retry this task',
      text: () => 'It is queued anew, with all its attempts. Parts that were completed are not done again.',
      action: 'Retry',
      run: () => post(path`/tasks/${id}/retry`),
      done: 'Queued anew',
    }).then(() => changed(['tasks']));
  };
  if (state === 'failed' || state === 'cancelled') {
    if (parentId !== null || isRun(destination)) return null;
    return (
      <Button kind="primary" icon="retry" onClick={retry}>
        Retry
      </Button>
    );
  }
  return isSettled(state) ? null : (
    <Button icon="stop" onClick={cancel}>
      Cancel
    </Button>
  );
}

function Tree({ of: root, attempts }: { readonly of: TaskTree; readonly attempts: Task['attempts'] }) {
  // it grows while something is under way
  const until = isSettled(root.state) ? 0 : now.value;
  return (
    <>
      <TimelineChart
        label="The task and its parts over time"
        timeline={taskTimeline(root, attempts, until)}
        name={(each: TaskNode) => (
          <span class="hop">
            <b>{each.key ?? each.type}</b>
            <span class="faint"> {each.agentId ?? each.destination}</span>
          </span>
        )}
        note={(each) => <Status kind={taskKinds[each.state]}>{each.state}</Status>}
        details={(each) => <PartDetails of={each} />}
      />
      {!root.isWhole && <p class="hint">There are more parts than these.</p>}
    </>
  );
}

const PartDetails = ({
  of: { id, type, version, createdAt, startedAt, finishedAt, error },
}: {
  readonly of: TaskNode;
}) => (
  <div class="hop-details">
    <Facts
      of={[
        ['Task', <Id value={id} to={href(path`/tasks/${id}`)} />],
        ['Type', `${type}@${version}`],
        ['Submitted', <Time at={createdAt} />],
        ['Waited', startedAt && duration(Date.parse(startedAt) - Date.parse(createdAt))],
        ['Ran', startedAt && finishedAt && duration(Date.parse(finishedAt) - Date.parse(startedAt))],
        ['Error', error && <span class="error">{`${error.code}: ${error.message}`}</span>],
      ]}
    />
  </div>
);

function Outcome({ task }: { readonly task: Task }) {
  const { error, result, resultHidden, progress, progressAt, state } = task;
  return (
    <>
      {error && (
        <Card title={state === 'cancelled' ? 'Why it was cancelled' : 'What went wrong'}>
          <p class="error">{`${error.name} · ${error.code}: ${error.message}`}</p>
          <NotRetried task={task} />
        </Card>
      )}
      {progress && !isSettled(state) && (
        <Card title="Progress" action={<Time at={progressAt} />}>
          <Json value={progress} label="Progress" />
        </Card>
      )}
      {(result !== undefined || resultHidden !== undefined) && (
        <Card title="Result">
          {resultHidden === undefined ? (
            <Json value={result} label="Result" />
          ) : (
            <p class="notice">Not shown: {resultHidden}.</p>
          )}
        </Card>
      )}
    </>
  );
}

/** Where it is retried in place of this: a part and a run are not by themselves. */
function NotRetried({ task: { id, parentId, destination } }: { readonly task: Task }) {
  if (parentId !== null)
    return (
      <p class="muted">
        A part is not retried by itself: go to <a href={href(path`/tasks/${parentId}`)}>the task it is part of</a>.
      </p>
    );
  if (!isRun(destination)) return null;
  return (
    <p class="muted">
      A run is not retried: its app starts another. Its stages are <a href={href(path`/pipelines/${id}`)}>here</a>.
    </p>
  );
}

const Attempts = ({ task: { attempts } }: { readonly task: Task }) =>
  attempts.length > 0 && (
    <Card title="Attempts">
      <ol class="attempts" aria-label="Attempts">
        {attempts.map(({ attempt, agentId, assignedAt, startedAt, endedAt, outcome, error }) => (
          <li key={attempt}>
            <span class="number">{attempt}</span>
            <a href={href(path`/agents/${agentId}`)}>{agentId}</a>
            <Time at={assignedAt} />
            <span class="faint">
              {startedAt && endedAt && `ran ${duration(Date.parse(endedAt) - Date.parse(startedAt))}`}
            </span>
            <Status
              kind={
                outcome === null ? 'busy' : outcome === 'completed' ? 'good' : outcome === 'given back' ? 'idle' : 'bad'
              }
            >
              {outcome ?? 'under way'}
            </Status>
            {error && <span class="error">{`${error.code}: ${error.message}`}</span>}
          </li>
        ))}
      </ol>
    </Card>
  );

const About = ({ task }: { readonly task: Task }) => (
  <Card title="About it">
    <Facts
      of={[
        ['Id', <Id value={task.id} />],
        [
          'Path',
          task.path.length > 0 && (
            <span class="path">
              {task.path.map((agent) => (
                <span key={agent}>{agent}</span>
              ))}
            </span>
          ),
        ],
        ['Part', task.key],
        ['Parts', task.parts.count > 0 && <a href={href('/tasks', { parent: task.id })}>{task.parts.count}</a>],
        ['Strategy', task.strategy],
        ['Priority', task.priority],
        ['Failures', `${task.failures} of ${task.maxAttempts} that may be`],
        ['Deadline', <Time at={task.deadline} />],
        ['Finished', task.finishedAt && <Time at={task.finishedAt} />],
      ]}
    />
  </Card>
);
