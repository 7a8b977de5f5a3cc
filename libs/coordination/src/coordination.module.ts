import { Global, Module } from '@nestjs/common';
import { Absences } from './consensus/absences.js';
import { ConsensusController } from './consensus/consensus.controller.js';
import { Consensus } from './consensus/consensus.js';
import { VoteCounting } from './consensus/vote-counting.js';
import { Delegation } from './delegation.js';
import { Elections } from './election/elections.js';

/** Gives an agent app what it needs to work with others. Import it beside `AgentModule.forRoot()`. */
@Global()
@Module({
  controllers: [ConsensusController],
  providers: [Delegation, Elections, Consensus, VoteCounting, Absences],
  exports: [Delegation, Elections, Consensus],
})
export class CoordinationModule {}
