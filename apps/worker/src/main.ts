import { startAgent } from 'agentmq';
import { WorkerModule } from './worker.module.js';

await startAgent(WorkerModule.forRoot());
