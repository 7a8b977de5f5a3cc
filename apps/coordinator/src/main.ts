import { startAgent } from 'agentmq/agent';
import { protectApp } from 'agentmq/console';
import { CoordinatorModule } from './coordinator.module.js';

await startAgent(CoordinatorModule.forRoot(), { nest: protectApp });
