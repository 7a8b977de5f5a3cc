import { ArrayMaxSize, ArrayMinSize, IsArray, IsInt, IsOptional, IsString, Min } from 'class-validator';
import { Contract } from 'agentmq/protocol';
import { arrayOf, Checked, countCheck, fields, must, numberCheck, textCheck } from './checks.js';

/** The most texts in one request. */
export const MAX_TEXTS = 10_000;

/** A word and how often it occurs. */
export interface Keyword {
  readonly word: string;
  readonly count: number;
}

/** How a set of texts feels. Each text counts as often as it occurs. */
export interface Sentiment {
  /** Weighted mean from -1 to 1, rounded to 6 digits. */
  readonly score: number;
  readonly positive: number;
  readonly neutral: number;
  readonly negative: number;
}

export const keywordsCheck = arrayOf(fields({ word: textCheck, count: countCheck }), { max: 1000 });
const sentiment = fields({
  score: must((v) => numberCheck(v) === undefined && Math.abs(v as number) <= 1, 'must be a number from -1 to 1'),
  positive: countCheck,
  neutral: countCheck,
  negative: countCheck,
});
export const sentimentCheck = (value: unknown): string | undefined => (value === null ? undefined : sentiment(value));

/** The task of finding keywords and sentiment of texts. */
@Contract({ type: 'nlp_processing', durable: true })
export class NlpRequest {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_TEXTS)
  @IsString({ each: true })
  texts!: string[];

  /** How often each text occurs; once unless given. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_TEXTS)
  @IsInt({ each: true })
  @Min(0, { each: true })
  counts?: number[];
}

/** Returned by {@link NlpRequest}. */
@Contract({ type: 'nlp_result' })
export class NlpResult {
  /** The most frequent first, then by word; at most 20. */
  @Checked('keywords', keywordsCheck)
  keywords!: Keyword[];

  /** Null when there was no text. */
  @Checked('sentiment', sentimentCheck)
  sentiment!: Sentiment | null;

  /** How many different texts this rests on. */
  @IsInt()
  @Min(0)
  analysed!: number;
}
