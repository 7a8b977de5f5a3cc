import { startAgent } from 'agentmq/agent';
import { MonitorModule } from './monitor.module.js';

await startAgent(MonitorModule.forRoot());
