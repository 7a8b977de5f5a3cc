import { startAgent } from 'agentmq/agent';
import { protectApp } from 'agentmq/console';
import { MonitorModule } from './monitor.module.js';

await startAgent(MonitorModule.forRoot(), { nest: protectApp });
