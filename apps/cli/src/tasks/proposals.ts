import {
  Consensus,
  ConsensusModule,
  type Proposal,
  type ProposalSummary,
  type RecordedVote,
} from 'agentmq/coordination';
import { findProposal, listProposals, type PageQuery, type ProposalQuery } from 'agentmq/operations';
import type { JsonOption, ListOptions } from '../command/options.js';
import { withClient } from '../command/with-client.js';
import {
  age,
  printFields,
  printHeading,
  printJson,
  printPage,
  printTable,
  stateStyle,
  type TableView,
} from '../output/index.js';

export interface ProposalsOptions extends ListOptions, Omit<ProposalQuery, keyof PageQuery> {}

const OF_PROPOSALS = { imports: [ConsensusModule], withoutBroker: true };

/** Prints what agents decide and have decided, newest first. */
export function printProposals({ json, ...filter }: ProposalsOptions): Promise<void> {
  return withClient(async (client) => {
    printPage(await listProposals(client.get(Consensus), filter), json, proposalsView);
  }, OF_PROPOSALS);
}

/** Prints one with each vote. Rejects with `UnknownProposalError`. */
export function showProposal(id: string, { json }: JsonOption): Promise<void> {
  return withClient(async (client) => {
    const proposal = await findProposal(client.get(Consensus), id);
    if (json) printJson(proposal);
    else printProposal(proposal);
  }, OF_PROPOSALS);
}

const tallyOf = ({ tally }: ProposalSummary): string =>
  `${tally.for} for, ${tally.against} against, ${tally.abstain} abstain, ${tally.silent} silent`;

const proposalsView: TableView<ProposalSummary> = {
  columns: [
    { title: 'id', align: 'left', cell: ({ id }) => id },
    { title: 'subject', align: 'left', least: 12, cell: ({ subject }) => subject },
    { title: 'proposer', align: 'left', least: 8, optional: 2, cell: ({ proposer }) => proposer },
    { title: 'opened', align: 'right', optional: 3, cell: ({ openedAt }) => age(openedAt) },
    { title: 'votes', align: 'left', optional: 1, cell: tallyOf },
    { title: 'state', align: 'left', paint: stateStyle, cell: ({ state }) => state },
  ],
  none: 'no proposals',
};

const votesView: TableView<RecordedVote> = {
  columns: [
    { title: 'voter', align: 'left', least: 8, cell: ({ voter }) => voter },
    { title: 'choice', align: 'left', cell: ({ choice }) => choice },
    { title: 'counted', align: 'left', cell: ({ counted, remark }) => (counted ? 'yes' : (remark ?? 'no')) },
    { title: 'cast', align: 'left', optional: 1, cell: ({ castAt }) => castAt.toISOString() },
    { title: 'reason', align: 'left', least: 10, cell: ({ reason }) => reason },
  ],
  none: 'no votes yet',
};

function printProposal(proposal: Proposal): void {
  const { id, subject, state, rule, quorum, proposer, electorate, openedAt, closesAt, decidedAt, absent, votes } =
    proposal;
  printFields({
    proposal: id,
    subject,
    state: [state, stateStyle(state)],
    rule: `${rule}, ${quorum === null ? 'more than half' : `${Math.round(quorum * 100)}%`} have to vote`,
    votes: tallyOf(proposal),
    proposer,
    electorate: `${electorate.length} agents`,
    opened: openedAt.toISOString(),
    closes: decidedAt ? undefined : closesAt.toISOString(),
    decided: decidedAt?.toISOString(),
    absent: absent.map(({ elector, reason }) => `${elector} (${reason})`).join(', ') || undefined,
  });
  printHeading('votes');
  printTable(votes, votesView);
}
