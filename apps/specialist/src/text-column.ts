import type { TextPart, TextSummary } from 'agentmq/contracts';
import { topValues } from './top-values.js';
import { type ValueCount, ValueCounts } from './value-counts.js';

const TOP = 10;
/** How much of a frequent value a summary tells, in UTF-16 code units; values may be as long as a record. */
const SHOWN = 1000;

/** Merges the value counts of chunks. */
export class TextColumn {
  readonly values = new ValueCounts();
  private count = 0;

  add(part: TextPart): void {
    this.count += part.count;
    this.values.add(part);
  }

  async summary(name: string, missing: number): Promise<TextSummary> {
    const best = await topValues(this.values, TOP);
    const top = best.map(([value, count]): ValueCount => [shown(value), count]);
    return { name, type: 'text', count: this.count, missing, distinct: this.values.size, top };
  }
}

function shown(value: string): string {
  if (value.length <= SHOWN) return value;
  // the last code unit may be half a character
  return `${value.slice(0, SHOWN).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
