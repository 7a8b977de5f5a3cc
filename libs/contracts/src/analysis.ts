import { IsBoolean, IsIn, IsInt, IsNotEmpty, IsOptional, IsString, Length, Min } from 'class-validator';
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

/**
 * The task of describing a CSV table: one of its rows each as numbers, text, keywords and sentiment. The table comes with it,
 * or is a file of the specialist's machine, where that is allowed.
 */
@Contract({ type: 'data_analysis', durable: true })
export class DataAnalysis {
  /** The table; without it, and without `file`, it is empty. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  csv?: string;

  @IsOptional()
  @IsString()
  @IsNotEmpty()
  file?: string;

  /** What errors call the table. */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  name?: string;

  /** Refuse the table for its first row that can't be parsed. */
  @IsOptional()
  @IsBoolean()
  strict?: boolean;
}

/** How far a {@link DataAnalysis} is, as `Tasks.watch` tells it. */
export interface AnalysisProgress {
  /** 1, or 2 in a second pass over the table. */
  readonly pass: number;
  /** Rows merged. */
  readonly rows: number;
  /** Bytes of the table that these rows were. */
  readonly bytes: number;
}

/** Returned by {@link DataAnalysis}. */
@Contract({ type: 'analysis_summary' })
export class AnalysisSummary {
  /** Rows that went into the analysis; each column's `count` and `missing` add up to it. */
  @IsInt()
  @Min(0)
  rows!: number;

  /** In the order of the table. */
  @Checked('columnSummaries', summaries)
  columns!: ColumnSummary[];

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

/** The task of parsing one chunk of a table. What it returns depends on nothing else. */
@Contract({ type: 'csv_chunk', durable: true })
export class ParseChunk {
  /** The line of the table that `text` begins on; 1 is the first. */
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

  /** Count only these columns, and all their values as text. */
  @IsOptional()
  @Checked('only', names)
  only?: string[];
}

/** Returned by {@link ParseChunk}: the chunk's statistics. */
@Contract({ type: 'partial_result' })
export class PartialResult {
  @IsInt()
  @Min(0)
  rows!: number;

  /** In the order of the table. */
  @Checked('columnParts', parts)
  columns!: ColumnPart[];

  @Checked('rejectedRows', rejectedRows)
  rejected!: RejectedRows;
}
