/** Tasks of all types, and what became of them. */
import { useState } from 'preact/hooks';
import { path } from '../../api/client.js';
import type { TaskRow } from '../../api/types.js';
import { usePages } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Button, Card, Id, Status } from '../../ui/basics.js';
import { type Field, Filters, useFilters } from '../../ui/filters.js';
import { duration } from '../../ui/format.js';
import { Empty, More, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { now, Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { Submit } from './submit.js';
import { isSettled, taskKinds } from './task-kinds.js';

const fields: readonly Field[] = [
  { name: 'type', label: 'Type', placeholder: 'data_analysis' },
  {
    name: 'state',
    label: 'State',
    options: [
      ['queued', 'Queued'],
      ['assigned', 'Assigned'],
      ['running', 'Running'],
      ['completed', 'Completed'],
      ['failed', 'Failed'],
      ['cancelled', 'Cancelled'],
    ],
  },
  { name: 'agent', label: 'Agent', placeholder: 'worker-1' },
  { name: 'parent', label: 'Part of', more: true },
  { name: 'from', label: 'Submitted from', kind: 'time', more: true },
  { name: 'before', label: 'Submitted before', kind: 'time', more: true },
];

const columns: readonly Column<TaskRow>[] = [
  {
    title: 'Task',
    wide: true,
    cell: (row) => (
      <span class="two-lines">
        <a href={href(path`/tasks/${row.id}`)}>
          {row.type}
          <span class="faint">@{row.version}</span>
        </a>
        <Id value={row.id} />
      </span>
    ),
  },
  {
    title: 'State',
    cell: ({ state, error }) => (
      <span class="two-lines">
        <Status kind={taskKinds[state]}>{state}</Status>
        {error && <span class="faint">{error.code}</span>}
      </span>
    ),
  },
  { title: 'Agent', cell: ({ agentId, destination }) => agentId ?? <span class="faint">{destination}</span> },
  {
    title: 'Failures',
    align: 'end',
    minor: true,
    cell: ({ failures, maxAttempts }) => `${failures} of ${maxAttempts}`,
  },
  { title: 'Took', align: 'end', cell: (row) => <Took row={row} /> },
  { title: 'Submitted', align: 'end', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function TasksView() {
  const filters = useFilters(fields);
  const pages = usePages<TaskRow>('/tasks', filters, ['tasks']);
  const [submitting, setSubmitting] = useState(false);
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <View
      title="Tasks"
      lead="Work with one result, given to an agent that is able to do it."
      actions={
        <Button kind="primary" needs="submitter" onClick={() => setSubmitting(true)}>
          Submit a task
        </Button>
      }
    >
      <Filters fields={fields} />
      {pages.items ? (
        <Card flush>
          <Table
            label="Tasks"
            columns={columns}
            rows={pages.items}
            rowKey={({ id }) => id}
            empty={
              <Empty title={isFiltered ? 'No task is like that' : 'No tasks yet'}>
                {isFiltered
                  ? 'All filters have to hold.'
                  : 'What is submitted by an app, over HTTP or here is listed here.'}
              </Empty>
            }
          />
          <More of={pages} />
        </Card>
      ) : (
        <Pending of={pages} />
      )}
      {submitting && <Submit onClose={() => setSubmitting(false)} />}
    </View>
  );
}

/** From its submission to its end, or until now. */
function Took({ row: { createdAt, finishedAt, state } }: { readonly row: TaskRow }) {
  const end = finishedAt ? Date.parse(finishedAt) : isSettled(state) ? undefined : now.value;
  return <>{end === undefined ? '–' : duration(Math.max(0, end - Date.parse(createdAt)))}</>;
}
