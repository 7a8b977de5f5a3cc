/** One proposal: its terms, its outcome, and each vote that was received, counted or not. */
import { get, path } from '../../api/client.js';
import type { Proposal } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card, Code, Facts, Id, Status, Tag } from '../../ui/basics.js';
import { plural } from '../../ui/format.js';
import { Empty, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { Outcome, Tally } from './outcome.js';

type Vote = Proposal['votes'][number];

const kinds = { for: 'good', against: 'bad', abstain: 'idle' } as const;

const columns: readonly Column<Vote>[] = [
  { title: 'Voter', cell: ({ voter }) => <a href={href(path`/agents/${voter}`)}>{voter}</a> },
  { title: 'Vote', cell: ({ choice }) => <Status kind={kinds[choice]}>{choice}</Status> },
  { title: 'Reason', cell: ({ reason }) => reason || <span class="faint">–</span>, wide: true },
  {
    title: 'Counted',
    cell: ({ counted, remark }) => (counted ? 'yes' : <Tag kind="warn">{remark?.replaceAll('_', ' ') ?? 'no'}</Tag>),
  },
  { title: 'Cast', cell: ({ castAt }) => <Time at={castAt} />, align: 'end' },
];

export function ProposalView({ id }: { readonly id: string }) {
  const asked = useQuery((signal) => get<Proposal>(path`/proposals/${id}`, {}, signal), [id], ['proposals']);
  return (
    <View title={asked.data?.subject ?? 'Proposal'} back={['Decisions', href('/decisions')]}>
      {asked.data ? <Whole of={asked.data} /> : <Pending of={asked} />}
    </View>
  );
}

function Whole({ of }: { readonly of: Proposal }) {
  return (
    <>
      <Card title="Outcome">
        <Facts
          of={[
            ['Outcome', <Outcome of={of} />],
            ['Votes, by weight', <Tally of={of.tally} />],
            ['Rule', of.rule],
            ['Quorum', of.quorum === null ? 'more than half' : `${Math.round(of.quorum * 100)} %`],
            ['Electorate', plural(of.electorate.length, 'agent')],
            ['Proposer', <a href={href(path`/agents/${of.proposer}`)}>{of.proposer}</a>],
            ['Opened', <Time at={of.openedAt} />],
            [of.decidedAt ? 'Decided' : 'Closes', <Time at={of.decidedAt ?? of.closesAt} />],
            ['Id', <Id value={of.id} />],
          ]}
        />
      </Card>
      <Card title="Votes" flush>
        <Table
          label="Votes"
          columns={columns}
          rows={of.votes}
          rowKey={(vote) => `${vote.voter} ${vote.receivedAt} ${vote.choice}`}
          empty={<Empty title="No vote yet">{plural(of.electorate.length, 'agent')} may vote.</Empty>}
        />
      </Card>
      <div class="columns">
        {of.absent.length > 0 && (
          <Card title="Not waited for">
            <ul class="list">
              {of.absent.map(({ elector, reason }) => (
                <li key={elector}>
                  <a href={href(path`/agents/${elector}`)}>{elector}</a>
                  <Status kind="idle">{reason}</Status>
                </li>
              ))}
            </ul>
          </Card>
        )}
        {of.content && (
          <Card title="Content">
            <Code label="Content of the proposal">{JSON.stringify(of.content, undefined, 2)}</Code>
          </Card>
        )}
      </div>
    </>
  );
}
