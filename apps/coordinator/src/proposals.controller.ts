import { Controller, Get, NotFoundException, Param, Query, UsePipes, ValidationPipe } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsUUID, Max, Min } from 'class-validator';
import { VOTING_RESULTS } from 'agentmq/coordination';
import { Consensus, type Proposal, type ProposalState, type ProposalSummary } from 'agentmq/coordination';
import { asHttpError } from './unavailable.js';

const DEFAULT_LIMIT = 100;

/** The query of `GET /proposals`. */
class ProposalsQuery {
  @IsOptional()
  @IsIn(['open', ...VOTING_RESULTS])
  state?: ProposalState;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000)
  limit?: number;

  /** The `next` of the page before. */
  @IsOptional()
  @IsUUID()
  after?: string;
}

export interface ProposalPage {
  /** Oldest first. */
  readonly proposals: readonly ProposalSummary[];
  /** Absent when there are no more. */
  readonly next?: string;
}

/** What agents have decided, and how. */
@Controller('proposals')
@UsePipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }))
export class ProposalsController {
  constructor(private readonly consensus: Consensus) {}

  @Get()
  async list(@Query() { limit = DEFAULT_LIMIT, ...filter }: ProposalsQuery): Promise<ProposalPage> {
    const proposals = await this.consensus.list({ ...filter, limit }).catch(asHttpError);
    const last = proposals.at(-1);
    return { proposals, ...(last && proposals.length === limit ? { next: last.id } : {}) };
  }

  /** Everything on record: the proposal, each vote, counted or why not, who was absent, the outcome, and when. */
  @Get(':id')
  async read(@Param('id') id: string): Promise<Proposal> {
    const proposal = await this.consensus.find(id).catch(asHttpError);
    if (!proposal) throw new NotFoundException(`there is no proposal ${id}`);
    return proposal;
  }
}
