import { Module } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent } from 'agentmq';
import { type Ballot, Consensus, ConsensusModule, Vote, type VoteRequest } from 'agentmq/coordination';

@Agent({ role: 'reviewer', capabilities: ['review'] })
class ReviewerAgent {
  @Vote()
  consider({ subject }: VoteRequest): Ballot {
    return { choice: 'for', reason: `${subject}: it is tested` };
  }
}

@Module({ imports: [ConsensusModule], controllers: [ReviewerAgent] })
class ReviewerModule {}

export async function consensus(team: Team): Promise<string> {
  await team.add('reviewer-1', { module: ReviewerModule });
  await team.add('reviewer-2', { module: ReviewerModule });
  const proposer = await team.add('reviewer-3', { module: ReviewerModule });
  const { outcome } = await proposer
    .get(Consensus)
    .collectVotes(
      { subject: 'deploy', content: { version: 7 } },
      { electorate: { capability: 'review' }, rule: 'two-thirds', quorum: 0.6, timeout: 30_000 },
    );
  return outcome;
}
