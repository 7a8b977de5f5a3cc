import { Injectable } from '@nestjs/common';
import { AgentClient, AgentRegistry, AgentServer, AgentSettings } from 'agentmq/agent';
import { CastVote } from './messages.js';
import { StoreUnavailableError } from 'agentmq/database';
import { BusStoppedError } from 'agentmq/messaging';
import { MAX_TTL_MS } from 'agentmq/protocol';
import { pause } from 'agentmq/time';
import { Absences } from './absences.js';
import { InvalidProposalError, UnknownProposalError } from './errors.js';
import type {
  Ballot,
  Motion,
  Proposal,
  ProposalFilter,
  ProposalOutcome,
  ProposalSummary,
  VotingOptions,
} from './proposal.js';
import { ProposalStore } from './proposal-store.js';
import { proposalDraftOf } from './terms.js';
import { VoteCounting } from './vote-counting.js';

export interface WaitOptions {
  /** Ends the waiting, with its reason; the vote goes on. */
  readonly signal?: AbortSignal;
}

const FIRST_LOOK_MS = 25;
const LONGEST_LOOK_MS = 1_000;
const MAX_LIMIT = 1_000;
const STATES = ['open', 'approved', 'rejected', 'no_quorum'];
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Decisions by the votes of agents. Proposals, votes and outcomes are durable: whatever dies, a proposal that was made
 * gets its outcome as soon as an agent of the proposer's role runs. See docs/CONSENSUS.md.
 */
@Injectable()
export class Consensus {
  constructor(
    private readonly settings: AgentSettings,
    private readonly registry: AgentRegistry,
    private readonly server: AgentServer,
    private readonly agents: AgentClient,
    private readonly counting: VoteCounting,
    private readonly absences: Absences,
    private readonly proposals: ProposalStore,
  ) {}

  /**
   * Has a vote held, and resolves with its outcome: as soon as nothing can change it any more, at the latest a little
   * after `timeout`, and while the database or the broker is away later. Rejects as {@link propose} and {@link outcome} do.
   */
  async collectVotes(motion: Motion, { signal, ...options }: VotingOptions & WaitOptions): Promise<ProposalOutcome> {
    signal?.throwIfAborted();
    const id = await this.propose(motion, options);
    return this.outcome(id, signal ? { signal } : {});
  }

  /**
   * Opens a vote. Resolves with the proposal's id once it is committed: from then on it gets its outcome.
   * Rejects with {@link InvalidProposalError} naming the field, `MessageTooLargeError`, `StoreUnavailableError`,
   * `OutboxFullError`, `NotAnAgentError` in an app without `@Agent`, or `BusStoppedError` while the agent is not running.
   */
  async propose(motion: Motion, { electorate, ...options }: VotingOptions): Promise<string> {
    const given: unknown = electorate;
    if (typeof given !== 'object' || given === null)
      throw new InvalidProposalError('electorate', 'must be a list of agent ids, or a query of the registry');
    const electors = isList(electorate) ? electorate : this.registry.find(electorate).map(({ id }) => id);
    const draft = proposalDraftOf(motion, electors, options, this.settings.coordination.consensusTimeout);
    const id = await this.counting.open(draft);
    this.absences.lookAgain(electors);
    return id;
  }

  /**
   * Resolves with the outcome of a proposal, of this agent or another, once it is there; waits for a database that is
   * away. Rejects with {@link UnknownProposalError}, `BusStoppedError` when the agent stops, or the signal's reason.
   */
  async outcome(id: string, { signal }: WaitOptions = {}): Promise<ProposalOutcome> {
    const ended = signal ? AbortSignal.any([signal, this.server.stopping]) : this.server.stopping;
    for (let wait = FIRST_LOOK_MS; ; wait = Math.min(wait * 1.5, LONGEST_LOOK_MS)) {
      signal?.throwIfAborted();
      if (ended.aborted) throw new BusStoppedError();
      const outcome = await this.look(id);
      if (outcome) return outcome;
      await pause(wait, ended);
    }
  }

  /**
   * Votes on a proposal. Resolves once the vote is committed: from then on it is recorded, and counted unless it is late,
   * not the first of this agent's, or this agent no elector. Rejects with {@link UnknownProposalError},
   * `ContractViolationError` for the ballot, and as `AgentClient.send` does.
   */
  async vote(proposalId: string, ballot: Ballot): Promise<void> {
    const role = isId(proposalId) ? await this.proposals.roleOf(proposalId) : undefined;
    if (role === undefined) throw new UnknownProposalError(proposalId);
    await this.cast({ proposalId, role }, ballot);
  }

  /** As {@link vote} does, where the proposer's role is known. */
  async cast(
    { proposalId, role }: { readonly proposalId: string; readonly role: string },
    { choice, reason = '' }: Ballot,
  ): Promise<void> {
    // a vote is on record however late an agent of the role runs
    const options = { correlationId: proposalId, ttl: MAX_TTL_MS };
    await this.agents.send({ role }, CastVote, { proposalId, choice, reason }, options);
  }

  /** A proposal with everything on record about it. */
  async find(id: string): Promise<Proposal | undefined> {
    return isId(id) ? this.proposals.find(id) : undefined;
  }

  /** Proposals of all agents, oldest first. Rejects with {@link InvalidProposalError} naming the field. */
  async list(filter: ProposalFilter = {}): Promise<ProposalSummary[]> {
    const { state, limit, after } = filter;
    if (state !== undefined && !STATES.includes(state)) {
      throw new InvalidProposalError('state', `"${state}" is not one of ${STATES.join(', ')}`);
    }
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT)) {
      throw new InvalidProposalError('limit', `${limit} is not a whole number from 1 to ${MAX_LIMIT}`);
    }
    if (after !== undefined && !isId(after)) throw new InvalidProposalError('after', `"${after}" is no proposal's id`);
    return this.proposals.list(filter);
  }

  private async look(id: string): Promise<ProposalOutcome | undefined> {
    try {
      const decided = isId(id) ? await this.proposals.isDecided(id) : undefined;
      if (decided === undefined) throw new UnknownProposalError(id);
      const proposal = decided ? await this.proposals.find(id) : undefined;
      if (!proposal || proposal.state === 'open') return undefined;
      const { state: outcome, tally, votes, absent } = proposal;
      return { id, outcome, tally, votes, absent };
    } catch (error) {
      if (error instanceof StoreUnavailableError) return undefined;
      throw error;
    }
  }
}

const isList = (electorate: VotingOptions['electorate']): electorate is readonly string[] => Array.isArray(electorate);
const isId = (id: string): boolean => uuid.test(id);
