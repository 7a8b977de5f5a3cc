import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The table that is analysed when no input is given: bird strikes on aircraft in the USA, 10,000 rows, from
 * vega-datasets. Throws Node's `MODULE_NOT_FOUND` where that package is not installed.
 */
export function defaultInput(): string {
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  return join(dirname(entry), '..', 'data', 'birdstrikes.csv');
}
