export {
  AnalysisSummary,
  type ColumnPart,
  type ColumnSummary,
  type Delimiter,
  DELIMITERS,
  MAX_COLUMNS,
  MAX_REJECTED_LISTED,
  type NumberPart,
  type NumberSummary,
  PartialReceipt,
  PartialResult,
  type RejectedRow,
  type RejectedRows,
  RunRequest,
  SummaryRequest,
  type TextPart,
  type TextSummary,
  WorkAssignment,
  WorkReceipt,
} from './analysis.js';
export { RecordScanner } from './csv-records.js';
export { type Keyword, MAX_TEXTS, NlpRequest, NlpResult, type Sentiment } from './nlp.js';
export {
  TASK_PROGRESS_TOPIC,
  TASK_RESULT_TOPIC,
  type TaskName,
  TaskProgress,
  TaskRequest,
  TaskResult,
  TASKS,
} from './tasks.js';
