/** Messages between roles as a picture with live rates, and the same as a table. */
import { useState } from 'preact/hooks';
import { connection, flow } from '../../api/live.js';
import type { Flow, FlowEdge } from '../../api/types.js';
import { Card, Tag } from '../../ui/basics.js';
import { rate } from '../../ui/format.js';
import { Empty, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { View } from '../../ui/view.js';
import { FlowPicture } from './picture.js';
import { nameOf } from './node.js';

const columns: readonly Column<FlowEdge>[] = [
  {
    title: 'From and to',
    cell: ({ from, to }) => `${nameOf(from)} → ${nameOf(to)}`,
    sort: ({ from, to }) => `${from} ${to}`,
  },
  { title: 'Messages', cell: ({ types }) => types.map((type) => <Tag key={type}>{type}</Tag>), wide: true },
  { title: 'A second', cell: ({ perSecond }) => rate(perSecond), sort: ({ perSecond }) => perSecond, align: 'end' },
  {
    title: 'Failed a second',
    cell: ({ failedPerSecond }) =>
      failedPerSecond > 0 ? <Tag kind="bad">{rate(failedPerSecond)}</Tag> : <span class="faint">0</span>,
    sort: ({ failedPerSecond }) => failedPerSecond,
    align: 'end',
  },
];

export function FlowView() {
  const now = flow.value;
  const error =
    connection.value === 'lost' ? new Error('The server sends no live updates. This page goes on trying.') : undefined;
  return (
    <View
      title="Flow"
      lead={now && `Which role sends to which, in the last ${now.windowSeconds} s. Choose one to see its lines alone.`}
    >
      {now ? <Now of={now} /> : <Pending of={{ error, loading: true, reload: () => undefined }} />}
    </View>
  );
}

function Now({ of }: { readonly of: Flow }) {
  const [chosen, setChosen] = useState<string>();
  if (of.nodes.length === 0) {
    return (
      <Card>
        <Empty title="Nothing flows">Roles appear here when their agents start, lines when they send messages.</Empty>
      </Card>
    );
  }
  const edges = chosen === undefined ? of.edges : of.edges.filter(({ from, to }) => from === chosen || to === chosen);
  return (
    <>
      <Card flush>
        <FlowPicture of={of} chosen={chosen} choose={(id) => setChosen(id === chosen ? undefined : id)} />
      </Card>
      <Card title={chosen === undefined ? 'All flows' : `Flows of ${nameOf(chosen)}`} flush>
        <Table
          label="Flows"
          columns={columns}
          rows={edges}
          rowKey={({ from, to }) => `${from} ${to}`}
          sortedBy="A second"
          empty={<Empty title="No messages in this time" />}
        />
      </Card>
    </>
  );
}
