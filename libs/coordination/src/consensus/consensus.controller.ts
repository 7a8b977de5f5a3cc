import { Ctx, EveryRole, Handle, MessageContext } from 'agentmq/agent';
import { CastVote, CloseProposal } from './messages.js';
import { VoteCounting } from './vote-counting.js';

/** What any agent of a proposer's role does for its proposals. */
@EveryRole()
export class ConsensusController {
  constructor(private readonly counting: VoteCounting) {}

  @Handle(CastVote)
  async record(
    { proposalId, choice, reason }: CastVote,
    @Ctx() { message, transaction }: MessageContext,
  ): Promise<void> {
    const { sender: voter, timestamp: castAt, messageId } = message;
    await this.counting.record(transaction, proposalId, { voter, choice, reason, messageId, castAt });
  }

  @Handle(CloseProposal)
  async close({ proposalId }: CloseProposal): Promise<void> {
    await this.counting.close(proposalId);
  }
}
