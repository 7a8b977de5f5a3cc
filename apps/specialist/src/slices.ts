import { setImmediate } from 'node:timers/promises';

/** Cuts long work into slices, between which other work of the process gets its turn. */
export class Slices {
  private until: number;

  /** A slice lasts `sliceMs`. */
  constructor(private readonly sliceMs = 10) {
    this.until = performance.now() + sliceMs;
  }

  /** The slice is over: call `rest`. Costs some 50 ns, so ask it every few steps only. */
  get over(): boolean {
    return performance.now() >= this.until;
  }

  async rest(): Promise<void> {
    await setImmediate();
    this.until = performance.now() + this.sliceMs;
  }
}
