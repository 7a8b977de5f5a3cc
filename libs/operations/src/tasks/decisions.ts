import {
  type Consensus,
  type PipelineRun,
  type Pipelines,
  type Proposal,
  type ProposalState,
  type ProposalSummary,
  UnknownProposalError,
  UnknownTaskError,
} from 'agentmq/coordination';
import { DEFAULT_LIMIT, type Page, pageUpTo, type PageQuery } from '../views/page.js';

export interface RunQuery extends PageQuery {
  readonly pipeline?: string;
  readonly state?: PipelineRun['state'];
}

export interface ProposalQuery extends PageQuery {
  readonly state?: ProposalState;
}

/** Runs of pipelines, the newest first. Rejects as `Pipelines.list` does. */
export async function listRuns(
  pipelines: Pick<Pipelines, 'list'>,
  { limit = DEFAULT_LIMIT, ...filter }: RunQuery,
): Promise<Page<PipelineRun>> {
  return pageUpTo(limit, await pipelines.list({ ...filter, limit }), ({ id }) => id);
}

/** Rejects with `UnknownTaskError`. */
export async function findRun(pipelines: Pick<Pipelines, 'find'>, id: string): Promise<PipelineRun> {
  const run = await pipelines.find(id);
  if (!run) throw new UnknownTaskError(id);
  return run;
}

/** What agents decide and have decided, the newest first. Rejects as `Consensus.list` does. */
export async function listProposals(
  consensus: Pick<Consensus, 'list'>,
  { limit = DEFAULT_LIMIT, ...filter }: ProposalQuery,
): Promise<Page<ProposalSummary>> {
  return pageUpTo(limit, await consensus.list({ ...filter, limit, newestFirst: true }), ({ id }) => id);
}

/** Everything on record of one. Rejects with `UnknownProposalError`. */
export async function findProposal(consensus: Pick<Consensus, 'find'>, id: string): Promise<Proposal> {
  const proposal = await consensus.find(id);
  if (!proposal) throw new UnknownProposalError(id);
  return proposal;
}
