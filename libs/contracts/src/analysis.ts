import { IsBoolean, IsIn, IsInt, IsNotEmpty, IsOptional, IsString, Length, Matches, Min } from 'class-validator';
import { Contract } from 'agentmq/protocol';
import {
  arrayOf,
  type Check,
  Checked,
  countCheck,
  fields,
  isPlain,
  must,
  numberCheck,
  numberOrNull,
  textCheck,
  valueAndCount,
} from './checks.js';
import { type Keyword, keywordsCheck, type Sentiment, sentimentCheck } from './nlp.js';

/** What may separate fields. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/** The most columns of a table. */
export const MAX_COLUMNS = 10_000;
/** How many rejected rows are listed; all are counted. */
export const MAX_REJECTED_LISTED = 100;

/** A row that could not be parsed: the line of the file where it begins, and why. */
export interface RejectedRow {
  readonly line: number;
  readonly reason: string;
}

export interface RejectedRows {
  readonly count: number;
  /** The first of them by line, at most {@link MAX_REJECTED_LISTED}. */
  readonly rows: readonly RejectedRow[];
}

/** A column of one chunk in which no value is present; it says nothing about the column's type. */
export interface EmptyPart {
  readonly name: string;
  readonly type: 'empty';
  readonly missing: number;
}

/** A column of one chunk whose values are all numbers. */
export interface NumberPart {
  readonly name: string;
  readonly type: 'number';
  readonly count: number;
  readonly missing: number;
  readonly min: number;
  readonly max: number;
  /** The sum, as an unevaluated pair of doubles; null when beyond what a double holds. */
  readonly sum: readonly [number, number] | null;
  /** The sum of squared deviations from the mean; null when beyond what a double holds. */
  readonly m2: number | null;
}

/** A column of one chunk that is text: its different values, and how often each occurs, in the same order. */
export interface TextPart {
  readonly name: string;
  readonly type: 'text';
  readonly count: number;
  readonly missing: number;
  readonly values: readonly string[];
  readonly counts: readonly number[];
}

export type ColumnPart = EmptyPart | NumberPart | TextPart;

export interface NumberSummary {
  readonly name: string;
  readonly type: 'number';
  /** Values present. */
  readonly count: number;
  readonly missing: number;
  readonly min: number;
  readonly max: number;
  /** Null when beyond what a double holds. */
  readonly mean: number | null;
  /** The sample's; null of fewer than two values, or when beyond what a double holds. */
  readonly stddev: number | null;
}

export interface TextSummary {
  readonly name: string;
  readonly type: 'text';
  readonly count: number;
  readonly missing: number;
  readonly distinct: number;
  /**
   * At most ten, by count, then by value in the order of UTF-16 code units. Of a value longer than 1,000 code units
   * the beginning and an ellipsis.
   */
  readonly top: readonly (readonly [string, number])[];
}

export type ColumnSummary = NumberSummary | TextSummary;

const names = arrayOf(
  must((v) => typeof v === 'string' && v !== '', 'must be a name'),
  { min: 1, max: MAX_COLUMNS },
);
const rejectedRow = fields({ line: countCheck, reason: textCheck });
const rejectedRows = fields({ count: countCheck, rows: arrayOf(rejectedRow, { max: MAX_REJECTED_LISTED }) });

const emptyPart = fields({ name: textCheck, missing: countCheck });
const numberPart = fields({
  name: textCheck,
  count: countCheck,
  missing: countCheck,
  min: numberCheck,
  max: numberCheck,
  sum: (v) => (v === null ? undefined : arrayOf(numberCheck, { min: 2, max: 2 })(v)),
  m2: numberOrNull,
});
const textFields = fields({
  name: textCheck,
  count: countCheck,
  missing: countCheck,
  values: arrayOf(textCheck),
  counts: arrayOf(countCheck),
});
const textPart: Check = (value) => {
  const problem = textFields(value);
  if (problem) return problem;
  const { values, counts } = value as TextPart;
  return values.length === counts.length ? undefined : 'must have as many counts as values';
};
const numberSummary = fields({
  name: textCheck,
  count: countCheck,
  missing: countCheck,
  min: numberCheck,
  max: numberCheck,
  mean: numberOrNull,
  stddev: numberOrNull,
});
const textSummary = fields({
  name: textCheck,
  count: countCheck,
  missing: countCheck,
  distinct: countCheck,
  top: arrayOf(valueAndCount, { max: 10 }),
});

/** Checks an object with the check that is filed under its `type`. */
const byType =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) => {
    const type = isPlain(value) ? value['type'] : undefined;
    const check = typeof type === 'string' && Object.hasOwn(checks, type) ? checks[type] : undefined;
    return check ? check(value) : `type must be one of ${Object.keys(checks).join(', ')}`;
  };
const parts = arrayOf(byType({ empty: emptyPart, number: numberPart, text: textPart }), { max: MAX_COLUMNS });
const summaries = arrayOf(byType({ number: numberSummary, text: textSummary }), { max: MAX_COLUMNS });

/** Asks a specialist to merge a run. It answers at once: the registry may not know yet that it has died. */
@Contract({ type: 'run_request' })
export class RunRequest {
  @IsString()
  @Length(1, 128)
  runId!: string;
}

/** Asks a worker to parse one chunk of a table and to send its partial result to the agent `mergeAt`. */
@Contract({ type: 'work_assignment', durable: true })
export class WorkAssignment {
  @IsString()
  @Length(1, 128)
  runId!: string;

  /** Counts from 0, in the order of the file. */
  @IsInt()
  @Min(0)
  chunk!: number;

  /** The line of the file that `text` begins on; 1 is the first. */
  @IsInt()
  @Min(1)
  firstLine!: number;

  @Checked('columns', names)
  columns!: string[];

  @IsIn(DELIMITERS)
  delimiter!: Delimiter;

  /** Whole records, as `RecordScanner` tells them. */
  @IsString()
  @IsNotEmpty()
  text!: string;

  /** In the second pass: count only these columns, and all their values as text. */
  @IsOptional()
  @Checked('only', names)
  only?: string[];

  @IsString()
  @Matches(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/)
  mergeAt!: string;
}

/** Answers {@link WorkAssignment} once the partial result has been merged or queued for it. */
@Contract({ type: 'work_receipt' })
export class WorkReceipt {
  @IsInt()
  @Min(0)
  chunk!: number;

  /** Rows that went into the analysis. */
  @IsInt()
  @Min(0)
  rows!: number;

  @IsInt()
  @Min(0)
  rejected!: number;

  /** The first of the rejected rows. */
  @IsOptional()
  @Checked('rejectedRow', rejectedRow)
  firstRejected?: RejectedRow;
}

/** One chunk's statistics, from a worker to the specialist that merges them. */
@Contract({ type: 'partial_result', durable: true })
export class PartialResult {
  @IsString()
  @Length(1, 128)
  runId!: string;

  @IsInt()
  @Min(0)
  chunk!: number;

  /** True in the second pass, in which `columns` has only what the assignment's `only` names. */
  @IsBoolean()
  recount!: boolean;

  @IsInt()
  @Min(0)
  rows!: number;

  @Checked('columnParts', parts)
  columns!: ColumnPart[];

  @Checked('rejectedRows', rejectedRows)
  rejected!: RejectedRows;
}

/** Answers {@link PartialResult}. */
@Contract({ type: 'partial_receipt' })
export class PartialReceipt {
  @IsInt()
  @Min(0)
  chunk!: number;

  /** The chunk had been received before and was left out. */
  @IsBoolean()
  repeated!: boolean;
}

/** Asks for the summary of a run whose chunks are all merged. */
@Contract({ type: 'summary_request', durable: true })
export class SummaryRequest {
  @IsString()
  @Length(1, 128)
  runId!: string;

  /** How many chunks the run has. */
  @IsInt()
  @Min(1)
  chunks!: number;

  /** True after the second pass. */
  @IsBoolean()
  recount!: boolean;
}

/** Answers {@link SummaryRequest}. With `undecided` columns, only these are told: a second pass has to count them. */
@Contract({ type: 'analysis_summary' })
export class AnalysisSummary {
  @IsString()
  @Length(1, 128)
  runId!: string;

  /** Rows that went into the analysis; each column's `count` and `missing` add up to it. */
  @IsInt()
  @Min(0)
  rows!: number;

  /** In the order of the file; empty while columns are undecided. */
  @Checked('columnSummaries', summaries)
  columns!: ColumnSummary[];

  /** Columns that are numbers in some chunks and text in others. */
  @Checked('undecided', arrayOf(textCheck, { max: MAX_COLUMNS }))
  undecided!: string[];

  @Checked('keywords', keywordsCheck)
  keywords!: Keyword[];

  /** Null when no column is text. */
  @Checked('sentiment', sentimentCheck)
  sentiment!: Sentiment | null;

  /** How many different text values keywords and sentiment rest on. */
  @IsInt()
  @Min(0)
  analysed!: number;

  @Checked('rejectedRows', rejectedRows)
  rejected!: RejectedRows;
}
