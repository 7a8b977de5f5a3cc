import { Get, Param, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import {
  Consensus,
  type Proposal,
  type ProposalState,
  type ProposalSummary,
  VOTING_RESULTS,
} from 'agentmq/coordination';
import { findProposal, listProposals, type Page } from 'agentmq/operations';
import { LimitQuery } from '../paging.js';
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

  /** The newest first. */
  @Get()
  list(@Query() query: ProposalsQuery): Promise<Page<ProposalSummary>> {
    return listProposals(this.consensus, query);
  }

  /** Everything on record: the proposal, each vote, counted or why not, who was absent, the outcome, and when. */
  @Get(':id')
  read(@Param('id') id: string): Promise<Proposal> {
    return findProposal(this.consensus, id);
  }
}
