export { CoordinatorModule, type CoordinatorOptions } from './coordinator.module.js';
export { CsvInputError } from './csv/errors.js';
export { openCsv } from './csv/open.js';
