export { table, type TableColumn } from './table.js';
export { defaultInput } from './default-input.js';
export { renderReport } from './render-report.js';
export { buildReport, type AnalysisReport } from './report.js';
export { checkWritable, OutputError, writeReport } from './write-report.js';
