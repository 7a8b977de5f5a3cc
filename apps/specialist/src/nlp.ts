import type { Keyword, Sentiment } from 'agentmq/contracts';
import { readText } from './language.js';
import { Slices } from './slices.js';
import { topValues } from './top-values.js';
import { type ValueCount } from './value-counts.js';

/** What texts are about and how they feel. */
export interface TextAnalysis {
  /** The most frequent first, then by word; at most 20. */
  readonly keywords: Keyword[];
  /** Null when there was no text. */
  readonly sentiment: Sentiment | null;
  /** How many different texts this rests on. */
  readonly analysed: number;
}

const KEYWORDS = 20;

/** What one analysis reads at most, so that it takes seconds: the most frequent texts, then those first by value. */
export const NLP_LIMITS = {
  texts: 20_000,
  /** Of one text; the rest of it is left out. */
  characters: 10_000,
  /** Of all texts together. */
  allCharacters: 10_000_000,
} as const;

/** Analyses texts, each occurring `counts[i]` times (once unless given). Bounded by {@link NLP_LIMITS}. */
export async function analyseText(texts: readonly string[], counts?: readonly number[]): Promise<TextAnalysis> {
  return analyseValues([texts.map((text, i): ValueCount => [text, counts?.[i] ?? 1])]);
}

/**
 * Analyses the values of several columns, each as often as it occurs; blank ones are left out. Bounded by
 * {@link NLP_LIMITS}, and yields to the event loop every 10 ms or so.
 */
export async function analyseValues(columns: readonly Iterable<ValueCount>[]): Promise<TextAnalysis> {
  const values = await topValues(present(columns), NLP_LIMITS.texts);
  if (values.length === 0) return { keywords: [], sentiment: null, analysed: 0 };

  const read = await readText();
  const slices = new Slices();
  const words = new Map<string, number>();
  const feelings = { positive: 0, neutral: 0, negative: 0 };
  let score = 0;
  let analysed = 0;
  let characters = 0;
  for (const [value, count] of values) {
    const text = value.length > NLP_LIMITS.characters ? value.slice(0, NLP_LIMITS.characters) : value;
    characters += text.length;
    if (characters > NLP_LIMITS.allCharacters) break;
    const reading = read(text);
    for (const word of reading.words) words.set(word, (words.get(word) ?? 0) + count);
    feelings[reading.sentiment > 0 ? 'positive' : reading.sentiment < 0 ? 'negative' : 'neutral'] += count;
    score += reading.sentiment * count;
    analysed++;
    if (slices.over) await slices.rest();
  }
  const all = feelings.positive + feelings.neutral + feelings.negative;
  const keywords = await topValues(words, KEYWORDS);
  return {
    keywords: keywords.map(([word, count]) => ({ word, count })),
    sentiment: { score: all === 0 ? 0 : roundTo6(score / all), ...feelings },
    analysed,
  };
}

function* present(columns: readonly Iterable<ValueCount>[]): Generator<ValueCount> {
  for (const column of columns) {
    for (const entry of column) if (entry[1] > 0 && entry[0].trim() !== '') yield entry;
  }
}

/** Adding 0 makes -0, which JSON does not know, 0. */
const roundTo6 = (value: number): number => Math.round(value * 1e6) / 1e6 + 0;
