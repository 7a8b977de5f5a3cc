import { startAgent } from 'agentmq/agent';
import { SpecialistModule } from './specialist.module.js';

await startAgent(SpecialistModule.forRoot());
