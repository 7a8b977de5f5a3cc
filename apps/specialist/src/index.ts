export { CsvFile } from './csv/csv-file.js';
export { CsvInputError } from './csv/errors.js';
export { SpecialistModule, type SpecialistOptions } from './specialist.module.js';
