interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** What is to happen when, in virtual time: a binary heap. What is due at the same time runs in the order of `push`. */
export class EventQueue {
  private readonly heap: Entry[] = [];
  private pushed = 0;

  push(at: number, run: () => void): void {
    const { heap } = this;
    const entry = { at, order: this.pushed++, run };
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent]!;
      if (!isBefore(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  /** Throws `RangeError` when there is nothing left. */
  pop(): Entry {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last) throw new RangeError('nothing is going to happen any more');
    if (heap.length > 0) this.sink(last);
    return first;
  }

  private sink(entry: Entry): void {
    const { heap } = this;
    const { length } = heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, entry)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
