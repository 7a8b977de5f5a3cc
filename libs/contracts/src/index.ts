export {
  type AnalysisProgress,
  AnalysisSummary,
  type ColumnPart,
  type ColumnSummary,
  DataAnalysis,
  type Delimiter,
  DELIMITERS,
  MAX_COLUMNS,
  MAX_REJECTED_LISTED,
  type NumberPart,
  type NumberSummary,
  ParseChunk,
  PartialResult,
  type RejectedRow,
  type RejectedRows,
  type TextPart,
  type TextSummary,
} from './analysis.js';
export { RecordScanner } from './csv-records.js';
export { type Keyword, MAX_TEXTS, NlpRequest, NlpResult, type Sentiment } from './nlp.js';
export { stockContracts } from './stock-contracts.js';
export { TASK_RESULT_TOPIC, TaskRequest, TaskResult } from './tasks.js';
