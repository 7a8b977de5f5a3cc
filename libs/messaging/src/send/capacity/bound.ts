/** Limits what is held at once, by number and by bytes. Whatever its size, one thing alone is let in. */
export class Bound {
  private held = 0;
  private heldBytes = 0;
  private waiting: (() => boolean)[] = [];

  constructor(
    private readonly most: number,
    private readonly mostBytes: number,
  ) {}

  /** Whether `count` more fit, which have so many bytes together. */
  fits(bytes: number, count = 1): boolean {
    return this.held === 0 || (this.held + count <= this.most && this.heldBytes + bytes <= this.mostBytes);
  }

  /** Counts one more, whether or not it fits, until it leaves. */
  enter(bytes: number): void {
    this.held++;
    this.heldBytes += bytes;
  }

  leave(bytes: number): void {
    this.held--;
    this.heldBytes -= bytes;
    if (this.waiting.length > 0) this.waiting = this.waiting.filter((look) => !look());
  }

  /** Resolves when `count` more of some size fit. */
  room(count: number): Promise<void> {
    return this.until(() => this.fits(1, count));
  }

  /** Resolves when nothing is held. */
  empty(): Promise<void> {
    return this.until(() => this.held === 0);
  }

  private until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): boolean => {
        if (!condition()) return false;
        resolve();
        return true;
      };
      if (!look()) this.waiting.push(look);
    });
  }
}
