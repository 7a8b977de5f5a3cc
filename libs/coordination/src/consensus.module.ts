import { Global, Module } from '@nestjs/common';
import { Absences } from './consensus/absences.js';
import { ConsensusController } from './consensus/consensus.controller.js';
import { Consensus } from './consensus/consensus.js';
import { ProposalStore } from './consensus/proposal-store.js';
import { VoteCounting } from './consensus/vote-counting.js';

/** Decisions by the votes of agents: `Consensus`. An app whose agents only vote needs it too. */
@Global()
@Module({
  controllers: [ConsensusController],
  providers: [ProposalStore, VoteCounting, Absences, Consensus],
  exports: [Consensus],
})
export class ConsensusModule {}
