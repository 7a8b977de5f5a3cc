/** Times in which the broker takes no publications, and why. */
export class Blockage {
  private current: { readonly reason: string; readonly since: Date; readonly begun: number } | undefined;
  private earlierMs = 0;

  /** Undefined while the broker takes publications. */
  get now(): { readonly reason: string; readonly since: Date } | undefined {
    return this.current;
  }

  /** In all so far, in ms, what lasts included. */
  get totalMs(): number {
    return this.earlierMs + (this.current ? performance.now() - this.current.begun : 0);
  }

  /** Until it ends: a second beginning changes nothing. */
  begin(reason: string): void {
    this.current ??= { reason, since: new Date(), begun: performance.now() };
  }

  end(): void {
    this.earlierMs = this.totalMs;
    this.current = undefined;
  }
}
