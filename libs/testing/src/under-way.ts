import { realNow } from './real-time.js';

interface Begun {
  readonly what: () => string;
  readonly at: number;
}

/** What one app is doing now, for the text of a `quiet` that timed out. */
export class UnderWay {
  private readonly begun = new Set<Begun>();

  /** Notes the work until it has settled, either way. */
  async during<T>(what: () => string, work: () => Promise<T>): Promise<T> {
    const begun = { what, at: realNow() };
    this.begun.add(begun);
    try {
      return await work();
    } finally {
      this.begun.delete(begun);
    }
  }

  list(): string[] {
    return [...this.begun].map(({ what, at }) => `${what()}, for ${Math.round(realNow() - at)} ms`);
  }
}
