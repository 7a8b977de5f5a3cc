/** Looks at what is on record: at all that is asked for in the same turn together, and one look at a time. */
export class Looks {
  private readonly asked = new Set<string>();
  private isLooking = false;

  constructor(
    /** Never rejects. */
    private readonly look: (ids: readonly string[]) => Promise<void>,
  ) {}

  /** What is asked for during a look is looked at next. */
  at(ids: readonly string[]): void {
    for (const id of ids) this.asked.add(id);
    if (!this.isLooking && this.asked.size > 0) void this.run();
  }

  private async run(): Promise<void> {
    this.isLooking = true;
    await Promise.resolve();
    while (this.asked.size > 0) {
      const ids = [...this.asked];
      this.asked.clear();
      await this.look(ids);
    }
    this.isLooking = false;
  }
}
