import { Injectable } from '@nestjs/common';
import { AgentClient, AgentIdentity, AgentRegistry, NotAnAgentError } from 'agentmq/agent';
import { CastVote, CloseProposal, ProposalDecided, VoteRequest } from './messages.js';
import { contractOf, formatRecipient, MAX_TTL_MS, newMessageId, toRole } from 'agentmq/protocol';
import type { Transaction } from 'agentmq/database';
import { Database } from 'agentmq/database';
import { HistoryStore, openStates } from 'agentmq/message-store';
import { UnknownProposalError } from './errors.js';
import type { AbsenceReason, AbsentElector, ProposalSummary } from './proposal.js';
import { type ProposalChange, ProposalStore, type ReceivedVote } from './proposal-store.js';
import { type Ballots, outcomeOf, remarkOn, tallyOf, type VotingTerms } from './tally.js';
import type { Draft } from './terms.js';

/** How long votes that were cast in time, and are on their way, are given until they are looked for again. */
const AGAIN_MS = 250;

/**
 * Everything that changes a proposal: each under the lock of its row, one after the other, and with what it means for the
 * outcome. So one of them decides, in whichever process, and its transaction tells all members.
 */
@Injectable()
export class VoteCounting {
  constructor(
    private readonly identity: AgentIdentity,
    private readonly registry: AgentRegistry,
    private readonly agents: AgentClient,
    private readonly database: Database,
    private readonly history: HistoryStore,
    private readonly proposals: ProposalStore,
  ) {}

  /** Writes a proposal down, asks its electors and sees to its end, all of it or nothing. Resolves with its id. */
  open(draft: Draft): Promise<string> {
    const id = newMessageId();
    const { id: proposer, roles } = this.identity;
    const [role] = roles;
    if (role === undefined) return Promise.reject(new NotAnAgentError('a proposal, whose votes its role counts,'));
    return this.inTransaction(async (transaction) => {
      const options = { transaction, correlationId: id };
      const { subject, content, rule, electorate, timeout } = draft;
      const absent = this.knownAbsent(draft, await this.proposals.now(transaction));
      const change = changeOf(draft, new Map(), absent, false);
      const closesAt = await this.proposals.open(transaction, id, { id: proposer, role }, draft, change);
      if (change.outcome) {
        await this.tell({ id, subject, proposer }, change, transaction);
        return id;
      }
      const request: VoteRequest = {
        proposalId: id,
        subject,
        ...(content ? { content } : {}),
        rule,
        proposer,
        role,
        closesAt: closesAt.toISOString(),
      };
      for (const elector of electorate) {
        await this.agents.send({ agent: elector.id }, VoteRequest, request, { ...options, ttl: timeout });
      }
      await this.closeLater({ id, role }, closesAt, transaction);
      return id;
    });
  }

  /** Records a vote, whether it is counted or not. */
  async record(transaction: Transaction, id: string, vote: ReceivedVote): Promise<void> {
    const { proposal } = await this.locked(transaction, id);
    const ballots = await this.ballots(transaction, proposal);
    const terms = termsOf(proposal);
    const tooLate = proposal.state !== 'open' || vote.castAt > proposal.closesAt;
    const remark = remarkOn(terms, ballots, { voter: vote.voter, tooLate });
    await this.proposals.add(transaction, id, vote, remark);
    if (remark !== undefined) return;
    const counted = new Map(ballots.counted).set(vote.voter, vote.choice);
    const absent = proposal.absent.filter(({ elector }) => elector !== vote.voter);
    await this.settle(transaction, proposal, changeOf(terms, counted, absent, false));
  }

  /** Ends a vote whose time is over, once all is recorded that was cast in time. */
  async close(id: string): Promise<void> {
    const role = await this.proposals.roleOf(id);
    if (role === undefined) throw new UnknownProposalError(id);
    const underWay = await this.firstUnderWay(id, role);
    await this.inTransaction(async (transaction) => {
      const { proposal, over } = await this.locked(transaction, id);
      if (proposal.state !== 'open') return;
      const waits = underWay !== undefined && underWay <= proposal.closesAt;
      if (!over || waits) {
        const again = over ? new Date((await this.proposals.now(transaction)).getTime() + AGAIN_MS) : proposal.closesAt;
        return this.closeLater(proposal, again, transaction);
      }
      const { counted } = await this.ballots(transaction, proposal);
      await this.settle(transaction, proposal, changeOf(termsOf(proposal), counted, proposal.absent, true));
    });
  }

  /** Electors of this agent's roles' open proposals. */
  openElectors(): Promise<string[]> {
    return this.proposals.openElectors(this.identity.roles);
  }

  /** These agents are gone, or (undefined) back: open proposals of its roles no longer wait for them, or do again. */
  async noteAbsence(agents: ReadonlyMap<string, AbsenceReason | undefined>): Promise<void> {
    for (const id of await this.proposals.openWith(this.identity.roles, [...agents.keys()])) {
      await this.inTransaction((transaction) => this.noteAbsenceFrom(transaction, id, agents));
    }
  }

  /** Of which others may wait for the same proposal. */
  private inTransaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.ownTransaction(work, { inTurn: true });
  }

  private async noteAbsenceFrom(
    transaction: Transaction,
    id: string,
    agents: ReadonlyMap<string, AbsenceReason | undefined>,
  ): Promise<void> {
    const { proposal } = await this.locked(transaction, id);
    if (proposal.state !== 'open') return;
    const { counted } = await this.ballots(transaction, proposal);
    const since = await this.proposals.now(transaction);
    const known = new Map(proposal.absent.map((absentee) => [absentee.elector, absentee]));
    for (const [elector, reason] of agents) {
      if (reason === undefined) known.delete(elector);
      else if (known.get(elector)?.reason !== reason) known.set(elector, { elector, reason, since });
    }
    const absent = proposal.electorate.flatMap(({ id: elector }) =>
      counted.has(elector) ? [] : (known.get(elector) ?? []),
    );
    await this.settle(transaction, proposal, changeOf(termsOf(proposal), counted, absent, false));
  }

  private async locked(transaction: Transaction, id: string): Promise<{ proposal: ProposalSummary; over: boolean }> {
    const locked = await this.proposals.lock(transaction, id);
    if (!locked) throw new UnknownProposalError(id);
    return locked;
  }

  private async ballots(transaction: Transaction, { id, absent }: ProposalSummary): Promise<Ballots> {
    const counted = await this.proposals.counted(transaction, id);
    return { counted, absent: new Set(absent.map(({ elector }) => elector)) };
  }

  private async settle(transaction: Transaction, proposal: ProposalSummary, change: ProposalChange): Promise<void> {
    await this.proposals.change(transaction, proposal.id, change);
    await this.tell(proposal, change, transaction);
  }

  private async tell(
    { id: proposalId, subject, proposer }: Pick<ProposalSummary, 'id' | 'subject' | 'proposer'>,
    { outcome, tally }: ProposalChange,
    transaction: Transaction,
  ): Promise<void> {
    if (!outcome) return;
    const decided: ProposalDecided = { proposalId, subject, proposer, outcome, tally };
    await this.agents.broadcast(ProposalDecided, decided, { transaction, correlationId: proposalId });
  }

  private async closeLater(
    { id: proposalId, role }: Pick<ProposalSummary, 'id' | 'role'>,
    deliverAt: Date,
    transaction: Transaction,
  ): Promise<void> {
    // how a vote ends is told however long no agent of the role is there
    const options = { transaction, deliverAt, correlationId: proposalId, ttl: MAX_TTL_MS };
    await this.agents.send({ role }, CloseProposal, { proposalId }, options);
  }

  /** When the first of the votes was cast that are stored and not recorded yet. */
  private async firstUnderWay(id: string, role: string): Promise<Date | undefined> {
    const votes = { correlationId: id, type: contractOf(CastVote).type, consumer: formatRecipient(toRole(role)) };
    const open = await Promise.all(openStates.map((state) => this.history.list({ ...votes, state, limit: 1 })));
    const times = open.flat().map(({ message }) => message.timestamp.getTime());
    return times.length > 0 ? new Date(Math.min(...times)) : undefined;
  }

  private knownAbsent({ electorate }: VotingTerms, since: Date): AbsentElector[] {
    return electorate.flatMap(({ id: elector }) => {
      const [agent] = this.registry.find({ id: elector, health: ['dead', 'stopped'] });
      return agent ? [{ elector, reason: agent.health === 'dead' ? 'dead' : 'stopped', since }] : [];
    });
  }
}

const termsOf = ({ rule, quorum, electorate }: ProposalSummary): VotingTerms => ({
  rule,
  electorate,
  ...(quorum === null ? {} : { quorum }),
});

function changeOf(
  terms: VotingTerms,
  counted: Ballots['counted'],
  absent: readonly AbsentElector[],
  over: boolean,
): ProposalChange {
  const ballots = { counted, absent: new Set(absent.map(({ elector }) => elector)) };
  return { tally: tallyOf(terms, counted), absent, outcome: outcomeOf(terms, ballots, over) };
}
