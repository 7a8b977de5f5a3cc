import { startAgent } from 'agentmq/agent';
import { CoordinatorModule } from './coordinator.module.js';

await startAgent(CoordinatorModule.forRoot());
