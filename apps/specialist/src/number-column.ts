import type { NumberPart, NumberSummary } from 'agentmq/contracts';
import { add, divide, type DoubleDouble, negate } from './double-double.js';

/**
 * Merges the moments of chunks by Chan, Golub and LeVeque's pairwise formula ("Updating Formulae and a Pairwise
 * Algorithm for Computing Sample Variances", Stanford STAN-CS-79-773, 1979). The means come from sums kept in twice a
 * double's precision: with plain doubles the difference of two means of 1e9 is worth 7 digits less than the result
 * promises. simple-statistics' combineVariances works in plain doubles.
 */
export class NumberColumn {
  private count = 0;
  private min = Infinity;
  private max = -Infinity;
  private sum: DoubleDouble | null = [0, 0];
  private m2: number | null = 0;

  add(part: NumberPart): void {
    this.m2 = this.mergedM2(part);
    const sum = this.sum && part.sum ? add(this.sum, part.sum) : null;
    this.sum = sum && sum.every(Number.isFinite) ? sum : null;
    this.count += part.count;
    this.min = Math.min(this.min, part.min);
    this.max = Math.max(this.max, part.max);
  }

  summary(name: string, missing: number): NumberSummary {
    const { count, min, max } = this;
    const mean = this.sum ? divide(this.sum, count)[0] : null;
    const stddev = this.m2 === null || count < 2 ? null : Math.sqrt(this.m2 / (count - 1));
    return { name, type: 'number', count, missing, min, max, mean, stddev };
  }

  private mergedM2(part: NumberPart): number | null {
    if (this.m2 === null || part.m2 === null || !this.sum || !part.sum) return null;
    if (this.count === 0) return part.m2;
    const [high, low] = add(divide(part.sum, part.count), negate(divide(this.sum, this.count)));
    const difference = high + low;
    const weight = (this.count / (this.count + part.count)) * part.count;
    const m2 = this.m2 + part.m2 + difference * difference * weight;
    return Number.isFinite(m2) ? m2 : null;
  }
}
