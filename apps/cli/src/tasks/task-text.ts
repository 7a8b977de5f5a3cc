import type { TaskAttempt, TaskType } from 'agentmq/coordination';
import type { TaskListed, TaskNode, TaskView } from 'agentmq/operations';
import {
  some,
  age,
  between,
  count,
  duration,
  errorLine,
  print,
  printFields,
  printHeading,
  printTable,
  stateStyle,
  type TableView,
} from '../output/index.js';

export const tasksView: TableView<TaskListed> = {
  columns: [
    { title: 'id', align: 'left', cell: ({ id }) => id },
    { title: 'type', align: 'left', least: 8, cell: ({ type }) => type },
    { title: 'to', align: 'left', least: 8, optional: 2, cell: ({ destination }) => destination },
    { title: 'agent', align: 'left', least: 8, cell: ({ agentId }) => agentId ?? '-' },
    { title: 'submitted', align: 'right', optional: 1, cell: ({ createdAt }) => age(createdAt) },
    { title: 'took', align: 'right', optional: 3, cell: took },
    { title: 'state', align: 'left', least: 9, paint: stateStyle, cell: stateOf },
  ],
  none: 'no tasks',
};

export const typesView: TableView<TaskType> = {
  columns: [
    { title: 'type', align: 'left', cell: ({ type }) => type },
    { title: 'version', align: 'right', cell: ({ version }) => String(version) },
    { title: 'agents', align: 'left', least: 12, cell: ({ agents }) => agents.join(', ') },
    { title: 'fields', align: 'left', least: 12, optional: 1, cell: fieldsOf },
  ],
  none: 'no agent carries out tasks',
};

const attemptsView: TableView<TaskAttempt> = {
  columns: [
    { title: 'attempt', align: 'right', cell: ({ attempt }) => String(attempt) },
    { title: 'agent', align: 'left', least: 8, cell: ({ agentId }) => agentId },
    { title: 'assigned', align: 'left', optional: 1, cell: ({ assignedAt }) => assignedAt.toISOString() },
    { title: 'took', align: 'right', cell: ({ startedAt, endedAt }) => between(startedAt, endedAt) },
    { title: 'outcome', align: 'left', least: 9, paint: stateStyle, cell: ({ outcome }) => outcome ?? 'running' },
    { title: 'error', align: 'left', least: 12, cell: ({ error }) => errorLine(error) },
  ],
  none: 'not assigned yet',
};

/** Prints one task. */
export function printTask(task: TaskView): void {
  printFields({
    task: task.id,
    state: [task.state, stateStyle(task.state)],
    type: `${task.type} version ${task.version}`,
    to: task.destination,
    path: task.path.join(' → ') || undefined,
    'part of': task.parentId ?? undefined,
    submitted: `${task.createdAt.toISOString()} by ${task.submitter}`,
    finished: task.finishedAt?.toISOString(),
    deadline: task.deadline.toISOString(),
    failures: `${task.failures} of ${task.maxAttempts}`,
    error: task.error ? [errorLine(task.error), 'red'] : undefined,
    progress: task.progress ? JSON.stringify(task.progress) : undefined,
  });
  printHeading('attempts');
  printTable(task.attempts, attemptsView);
  const { count: parts, tasks } = task.parts;
  if (parts > 0) {
    printHeading(`${count(parts)} parts${parts > tasks.length ? `, the first ${tasks.length}` : ''}`);
    printTable(tasks, tasksView);
  }
  if (task.resultHidden === undefined && task.result === undefined) return;
  printHeading('result');
  print(
    ...(task.resultHidden ? [`not shown: ${task.resultHidden}`] : JSON.stringify(task.result, null, 2).split('\n')),
  );
}

interface TreeRow {
  readonly lead: string;
  readonly task: TaskNode;
  /** When the whole was submitted. */
  readonly since: Date;
}

const treeView: TableView<TreeRow> = {
  columns: [
    {
      title: 'task',
      align: 'left',
      least: 20,
      cell: ({ lead, task }) => lead + (task.key === null ? task.type : `${task.type} ${task.key}`),
    },
    { title: 'id', align: 'left', least: 8, optional: 2, cell: ({ task }) => task.id },
    {
      title: 'submitted',
      align: 'right',
      optional: 1,
      cell: ({ task, since }) => `+${duration(task.createdAt.getTime() - since.getTime())}`,
    },
    {
      title: 'waited',
      align: 'right',
      optional: 1,
      cell: ({ task: { createdAt, startedAt } }) => (startedAt ? between(createdAt, startedAt) : ''),
    },
    { title: 'took', align: 'right', cell: ({ task }) => took(task) },
    { title: 'agent', align: 'left', least: 8, cell: ({ task }) => task.agentId ?? '-' },
    { title: 'state', align: 'left', least: 9, paint: stateStyle, cell: ({ task }) => stateOf(task) },
  ],
  none: 'no tasks',
};

/** Prints a task, its parts, their parts. */
export function printTree(tree: TaskNode): void {
  const since = tree.createdAt;
  const rowsOf = (task: TaskNode, lead: string, below: string): TreeRow[] => [
    { lead, task, since },
    ...task.parts.flatMap((part, index) => {
      const isLast = index === task.parts.length - 1;
      return rowsOf(part, `${below}${isLast ? '└─ ' : '├─ '}`, `${below}${isLast ? '   ' : '│  '}`);
    }),
  ];
  printTable(rowsOf(tree, '', ''), treeView);
}

function stateOf({ state, failures, error }: TaskListed): string {
  if (error && state !== 'completed') return `${state}: ${errorLine(error)}`;
  return failures > 0 ? `${state}, after ${some(failures, 'failure')}` : state;
}

function took({ startedAt, finishedAt }: TaskListed): string {
  return between(startedAt, finishedAt);
}

/** `name*` is required. */
function fieldsOf({ schema: { properties = {}, required = [] } }: TaskType): string {
  return Object.keys(properties)
    .map((name) => (required.includes(name) ? `${name}*` : name))
    .join(', ');
}
