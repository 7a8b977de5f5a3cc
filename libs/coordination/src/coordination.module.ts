import { Global, Module } from '@nestjs/common';
import { CircuitBreakers } from './breaker/circuit-breakers.js';
import { Strategies } from './balancing/strategies.js';
import { Absences } from './consensus/absences.js';
import { ConsensusController } from './consensus/consensus.controller.js';
import { Consensus } from './consensus/consensus.js';
import { VoteCounting } from './consensus/vote-counting.js';
import { Delegation } from './delegation/delegation.js';
import { Distribution } from './distribution/distribution.js';
import { Elections } from './election/elections.js';
import { Router } from './routing/router.js';
import { Pipelines } from './pipelines/pipelines.js';
import { AgentStops } from './scaling/agent-stops.js';
import { Assignments } from './tasks/assignments.js';
import { TaskNotices } from './tasks/notices.js';
import { TaskSealing } from './tasks/task-sealing.js';
import { TaskWaiting } from './tasks/task-waiting.js';
import { Tasks } from './tasks/tasks.js';

/** Gives an agent app what it needs to work with others. Import it beside `AgentModule.forRoot()`. */
@Global()
@Module({
  controllers: [ConsensusController],
  providers: [
    Strategies,
    Router,
    Distribution,
    Elections,
    Consensus,
    VoteCounting,
    Absences,
    CircuitBreakers,
    AgentStops,
    Tasks,
    TaskNotices,
    TaskWaiting,
    TaskSealing,
    Assignments,
    Delegation,
    Pipelines,
  ],
  exports: [
    Strategies,
    Router,
    Distribution,
    Elections,
    Consensus,
    CircuitBreakers,
    AgentStops,
    Tasks,
    TaskNotices,
    TaskSealing,
    Assignments,
    Delegation,
    Pipelines,
  ],
})
export class CoordinationModule {}
