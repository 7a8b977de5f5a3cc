import { Contract } from 'agentmq/protocol';
import { IsInt } from 'class-validator';

/** Who delegates to whom. */
export const LEVELS = ['ceo', 'manager', 'lead', 'worker'] as const;
export type Level = (typeof LEVELS)[number];

/** The primes among the numbers from `from` up to, not including, `to` are to be counted. */
@Contract({ type: 'count_primes' })
export class CountPrimes {
  @IsInt()
  from!: number;

  @IsInt()
  to!: number;

  /** How long a worker takes for its piece, in ms. */
  @IsInt()
  ms!: number;
}

@Contract({ type: 'primes_counted' })
export class PrimesCounted {
  @IsInt()
  primes!: number;
}

/** Pieces of equal size. */
export function split({ from, to, ms }: CountPrimes, pieces: number): CountPrimes[] {
  const bound = (n: number): number => from + Math.floor(((to - from) * n) / pieces);
  return Array.from({ length: pieces }, (_, n) => ({ from: bound(n), to: bound(n + 1), ms }));
}

/** By the sieve of Eratosthenes. */
export function countPrimes(from: number, to: number): number {
  const composite = new Uint8Array(to);
  let count = 0;
  for (let n = 2; n < to; n++) {
    if (composite[n]) continue;
    if (n >= from) count++;
    for (let multiple = n * n; multiple < to; multiple += n) composite[multiple] = 1;
  }
  return count;
}
