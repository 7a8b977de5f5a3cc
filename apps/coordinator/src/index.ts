export { CoordinatorModule, type CoordinatorOptions } from './coordinator.module.js';
export { CsvFile } from './csv/csv-file.js';
export { CsvInputError } from './csv/errors.js';
