/** Runs of pipelines, and how far each is. */
import { path } from '../../api/client.js';
import type { PipelineRow } from '../../api/types.js';
import { usePages } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card, Id, Status } from '../../ui/basics.js';
import { type Field, Filters, useFilters } from '../../ui/filters.js';
import { duration } from '../../ui/format.js';
import { Empty, More, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { now, Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { taskKinds } from '../tasks/task-kinds.js';

const fields: readonly Field[] = [
  { name: 'pipeline', label: 'Pipeline', placeholder: 'readings' },
  {
    name: 'state',
    label: 'State',
    options: [
      ['running', 'Running'],
      ['completed', 'Completed'],
      ['failed', 'Failed'],
      ['cancelled', 'Cancelled'],
    ],
  },
];

const columns: readonly Column<PipelineRow>[] = [
  {
    title: 'Run',
    cell: ({ id, pipeline }) => (
      <span class="two-lines">
        <a href={href(path`/pipelines/${id}`)}>{pipeline}</a>
        <Id value={id} />
      </span>
    ),
  },
  { title: 'Stages', wide: true, cell: ({ stages }) => <Stages of={stages} /> },
  { title: 'State', cell: ({ state }) => <Status kind={taskKinds[state]}>{state}</Status> },
  {
    title: 'Took',
    align: 'end',
    cell: ({ createdAt, finishedAt }) =>
      duration(Math.max(0, (finishedAt ? Date.parse(finishedAt) : now.value) - Date.parse(createdAt))),
  },
  { title: 'Began', align: 'end', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function PipelinesView() {
  const filters = useFilters(fields);
  const isFiltered = Object.keys(filters).length > 0;
  const pages = usePages<PipelineRow>('/pipelines', filters, ['pipelines', 'tasks']);
  return (
    <View title="Pipelines" lead="Runs whose stages are tasks, each given what the one before it has returned.">
      <Filters fields={fields} />
      {pages.items ? (
        <Card flush>
          <Table
            label="Runs of pipelines"
            columns={columns}
            rows={pages.items}
            rowKey={({ id }) => id}
            empty={
              <Empty title={isFiltered ? 'No run is like that' : 'No runs yet'}>
                {isFiltered ? 'All filters have to hold.' : 'Runs that an app starts are listed here.'}
              </Empty>
            }
          />
          <More of={pages} />
        </Card>
      ) : (
        <Pending of={pages} />
      )}
    </View>
  );
}

/** Stage after stage, each in the colour of its state. */
export const Stages = ({ of }: { readonly of: PipelineRow['stages'] }) => (
  <ol class="stages">
    {of.map(({ name, state }) => (
      <li key={name} class={taskKinds[state]}>
        {name}
        <span class="hidden"> {state}</span>
      </li>
    ))}
  </ol>
);
