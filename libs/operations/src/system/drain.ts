/**
 * How fast a backlog is settled, told by how it shrinks and by what comes in: for backlogs of which the newest messages, which
 * are the last to be handled, say nothing.
 */
export class Drain {
  private last: { readonly open: number; readonly at: number } | undefined;
  private perSecond = 0;

  /** `open`: deliveries that were not settled at `at`, in ms, monotonic; `owedPerSecond`: those that came in since. */
  settledPerSecond(open: number, at: number, owedPerSecond: number): number {
    const { last } = this;
    if (last && at <= last.at) return this.perSecond;
    this.last = { open, at };
    if (last) this.perSecond = Math.max(0, owedPerSecond + ((last.open - open) * 1_000) / (at - last.at));
    return this.perSecond;
  }
}
