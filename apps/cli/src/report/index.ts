export { renderReport } from './render-report.js';
export { buildReport, type AnalysisReport } from './report.js';
export { checkWritable, OutputError, writeReport } from './write-report.js';
