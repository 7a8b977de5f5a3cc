/** Limits what is held at once, by number and by bytes. Whatever its size, one thing alone is let in. */
export class Bound {
  private held = 0;
  private heldBytes = 0;

  constructor(
    private readonly most: number,
    private readonly mostBytes: number,
  ) {}

  get isEmpty(): boolean {
    return this.held === 0;
  }

  fits(bytes: number): boolean {
    return this.held === 0 || (this.held < this.most && this.heldBytes + bytes <= this.mostBytes);
  }

  /** Counts one more, whether or not it fits; what it answers with counts it out again. */
  enter(bytes: number): () => void {
    this.held++;
    this.heldBytes += bytes;
    return () => {
      this.held--;
      this.heldBytes -= bytes;
    };
  }
}
