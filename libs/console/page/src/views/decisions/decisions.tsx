/** Who leads, and what agents have put to the vote. */
import { get, path } from '../../api/client.js';
import type { LeaderRow, Page, ProposalSummary } from '../../api/types.js';
import { usePages, useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card } from '../../ui/basics.js';
import { type Field, Filters, useFilters } from '../../ui/filters.js';
import { Empty, More, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { Leaders } from '../overview/leaders.js';
import { Outcome, Tally } from './outcome.js';

const columns: readonly Column<ProposalSummary>[] = [
  {
    title: 'Subject',
    cell: ({ id, subject }) => <a href={href(path`/decisions/${id}`)}>{subject}</a>,
    wide: true,
  },
  { title: 'Outcome', cell: (row) => <Outcome of={row} /> },
  { title: 'Votes', cell: ({ tally }) => <Tally of={tally} /> },
  { title: 'Rule', cell: ({ rule }) => rule, minor: true },
  { title: 'Proposer', cell: ({ proposer }) => <a href={href(path`/agents/${proposer}`)}>{proposer}</a> },
  { title: 'Opened', cell: ({ openedAt }) => <Time at={openedAt} />, align: 'end' },
];

const fields: readonly Field[] = [
  {
    name: 'state',
    label: 'Outcome',
    options: [
      ['open', 'Open'],
      ['approved', 'Approved'],
      ['rejected', 'Rejected'],
      ['no_quorum', 'No quorum'],
    ],
  },
];

export function DecisionsView() {
  const leaders = useQuery((signal) => get<Page<LeaderRow>>('/leaders', {}, signal), [], ['leaders', 'agents']);
  const proposals = usePages<ProposalSummary>('/proposals', useFilters(fields), ['proposals']);
  return (
    <View
      title="Decisions"
      lead="What agents decide together: which of them leads a group, and what they put to the vote."
    >
      {leaders.data ? <Leaders of={leaders.data.items} /> : <Pending of={leaders} />}
      <h2>Proposals</h2>
      <Filters fields={fields} />
      <Card flush>
        {proposals.items ? (
          <Table
            label="Proposals"
            columns={columns}
            rows={proposals.items}
            rowKey={({ id }) => id}
            empty={<Empty title="No proposals">An agent puts a question to others by Consensus.propose.</Empty>}
          />
        ) : (
          <Pending of={proposals} />
        )}
      </Card>
      <More of={proposals} />
    </View>
  );
}
