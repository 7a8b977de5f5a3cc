import { startAgent } from 'agentmq';
import { SpecialistModule } from './specialist.module.js';

await startAgent(SpecialistModule.forRoot());
