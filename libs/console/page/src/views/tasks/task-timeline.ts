import type { StageOfRun, TaskAttempt } from 'agentmq/coordination';
import type { Json } from 'agentmq/operations';
import type { TaskNode } from '../../api/types.js';
import { type Bar, barOf, type Timeline, timelineOf, type TimelineRow } from '../timeline/timeline.js';
import { isSettled } from './task-kinds.js';

type Attempt = Json<TaskAttempt>;

/**
 * A task with its attempts, and below it its parts, over the time since it was submitted. What is under way lasts until `now`, in ms
 * since 1970.
 */
export function taskTimeline(root: TaskNode, attempts: readonly Attempt[], now: number): Timeline<TaskNode> {
  const start = Date.parse(root.createdAt);
  const until = new Date(now).toISOString();
  const rowsOf = (task: TaskNode, depth: number): TimelineRow<TaskNode>[] => [
    { key: task.id, item: task, depth, bars: barsOf(task, depth === 0 ? attempts : lastOf(task), start, until) },
    ...task.parts.flatMap((part) => rowsOf(part, depth + 1)),
  ];
  return timelineOf(rowsOf(root, 0));
}

/** Of a part only its last attempt is told. */
function lastOf({ attempt, agentId, assignedAt, startedAt, finishedAt, state, error }: TaskNode): Attempt[] {
  if (agentId === null || assignedAt === null) return [];
  const outcome = state === 'completed' || state === 'failed' || state === 'cancelled' ? state : null;
  return [{ attempt, agentId, assignedAt, startedAt, endedAt: finishedAt, outcome, error }];
}

function barsOf(task: TaskNode, attempts: readonly Attempt[], start: number, now: string): Bar[] {
  const bars: Bar[] = [];
  let before = task.createdAt;
  for (const { attempt, agentId, assignedAt, startedAt, endedAt, outcome } of attempts) {
    const kind = attempt === 1 ? 'sending' : 'retry';
    bars.push(
      ...barOf(start, before, assignedAt, { kind, outcome: 'completed', label: 'queued' }),
      ...barOf(start, assignedAt, startedAt ?? endedAt ?? now, {
        kind: 'waiting',
        outcome: (startedAt ?? endedAt) ? 'completed' : 'open',
        label: `assigned to ${agentId}`,
      }),
      ...barOf(start, startedAt, endedAt ?? now, {
        kind: 'running',
        outcome: outcome === null ? 'open' : outcome === 'completed' ? 'completed' : 'failed',
        label: `attempt ${attempt} on ${agentId}`,
      }),
    );
    before = endedAt ?? now;
  }
  return [...bars, ...queuedOf(task, attempts.length > 0, before, start, now)];
}

/** While it is with no agent; a pipeline, whose stages are tasks of their own, never is. */
function queuedOf(
  { state, finishedAt }: TaskNode,
  wasTried: boolean,
  since: string,
  start: number,
  now: string,
): Bar[] {
  const isQueued = state === 'queued' || (!wasTried && !isSettled(state));
  const end = isQueued ? now : wasTried ? undefined : finishedAt;
  if (!end) return [];
  return barOf(start, since, end, {
    kind: wasTried ? 'retry' : 'sending',
    outcome: isQueued ? 'open' : state === 'failed' ? 'failed' : 'completed',
    label: 'queued',
  });
}

/** The stages of a pipeline's run, over the time since it began. */
export function stagesTimeline(
  run: { readonly createdAt: string; readonly stages: readonly Json<StageOfRun>[] },
  now: number,
): Timeline<Json<StageOfRun>> {
  const start = Date.parse(run.createdAt);
  const until = new Date(now).toISOString();
  return timelineOf(
    run.stages.map((stage) => {
      const { name, reachedAt, startedAt, finishedAt, agentId, state } = stage;
      const isOver = isSettled(state);
      return {
        key: name,
        item: stage,
        depth: 0,
        bars: [
          ...barOf(start, reachedAt, startedAt ?? finishedAt ?? until, {
            kind: 'sending',
            outcome: startedAt || isOver ? 'completed' : 'open',
            label: 'queued',
          }),
          ...barOf(start, startedAt, finishedAt ?? until, {
            kind: 'running',
            outcome: !isOver ? 'open' : state === 'completed' ? 'completed' : 'failed',
            label: agentId ? `on ${agentId}` : 'at work',
          }),
        ],
      };
    }),
  );
}
