import { startAgent } from 'agentmq/agent';
import { WorkerModule } from './worker.module.js';

await startAgent(WorkerModule.forRoot());
