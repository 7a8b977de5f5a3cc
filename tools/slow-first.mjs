import Sequencer from '@jest/test-sequencer';

/** The slowest first. */
const FOLDERS = ['/test/faults/', '/test/conformance/', '/test/e2e/', '/test/integration/'];

const placeOf = ({ path }) => {
  const place = FOLDERS.findIndex((folder) => path.includes(folder));
  return place < 0 ? FOLDERS.length : place;
};

/**
 * Where it has no times of an earlier run, Jest begins with the largest files. The slowest of ours are the smallest: begun
 * last, the end of the run would wait for one of them while the other workers have nothing to do.
 */
export default class SlowFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted;
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
