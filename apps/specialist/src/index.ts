export { SpecialistModule } from './specialist.module.js';
