/** Which agent leads which group. */
import { path } from '../../api/client.js';
import type { LeaderRow } from '../../api/types.js';
import { href } from '../../state/router.js';
import { Card, Status } from '../../ui/basics.js';
import { Empty } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { Time } from '../../ui/time.js';

const columns: readonly Column<LeaderRow>[] = [
  { title: 'Group', cell: ({ group }) => group, sort: ({ group }) => group },
  { title: 'Leader', cell: ({ leader }) => <a href={href(path`/agents/${leader}`)}>{leader}</a>, wide: true },
  {
    title: 'State',
    cell: ({ alive }) => (alive ? <Status kind="good">alive</Status> : <Status kind="bad">silent</Status>),
  },
  { title: 'Term', cell: ({ term }) => term, sort: ({ term }) => term, align: 'end' },
  { title: 'Since', cell: ({ electedAt }) => <Time at={electedAt} />, align: 'end' },
];

export const Leaders = ({ of }: { readonly of: readonly LeaderRow[] }) => (
  <Card title="Leaders" flush>
    <Table
      label="Leaders"
      columns={columns}
      rows={of}
      rowKey={({ group }) => group}
      empty={<Empty title="No group has a leader">Agents that are to decide together elect one when they start.</Empty>}
    />
  </Card>
);
