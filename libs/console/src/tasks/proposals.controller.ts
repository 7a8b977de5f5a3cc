import { Get, Param, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { VOTING_RESULTS } from 'agentmq/coordination';
import {
  Consensus,
  type Proposal,
  type ProposalState,
  type ProposalSummary,
  UnknownProposalError,
} from 'agentmq/coordination';
import { DEFAULT_LIMIT, LimitQuery } from 'agentmq/http';
import type { Page } from 'agentmq/operations';
import { OperationsController } from '../operations.js';

/** The query of `GET /proposals`. */
class ProposalsQuery extends LimitQuery {
  @IsOptional()
  @IsIn(['open', ...VOTING_RESULTS])
  state?: ProposalState;

  /** The `next` of the page before. */
  @IsOptional()
  @IsUUID()
  after?: string;
}

/** What agents have decided, and how. */
@OperationsController('proposals')
export class ProposalsController {
  constructor(private readonly consensus: Consensus) {}

  @Get()
  async list(@Query() { limit = DEFAULT_LIMIT, ...filter }: ProposalsQuery): Promise<Page<ProposalSummary>> {
    const items = await this.consensus.list({ ...filter, limit, newestFirst: true });
    const last = items.at(-1);
    return { items, ...(last && items.length === limit ? { next: last.id } : {}) };
  }

  /** Everything on record: the proposal, each vote, counted or why not, who was absent, the outcome, and when. */
  @Get(':id')
  async read(@Param('id') id: string): Promise<Proposal> {
    const proposal = await this.consensus.find(id);
    if (!proposal) throw new UnknownProposalError(id);
    return proposal;
  }
}
