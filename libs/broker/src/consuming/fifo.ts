/** A first-in-first-out queue whose `shift` stays cheap at any length (an array's moves all that is behind). */
export class Fifo<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  peek(): T | undefined {
    return this.items[this.head];
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.items[this.head];
    this.items[this.head++] = undefined;
    if (this.head > 1024 && this.head * 2 > this.items.length) this.replace(this.items.slice(this.head) as T[]);
    return item;
  }

  /** Keeps only the items that `keep` accepts, in their order. */
  filter(keep: (item: T) => boolean): void {
    this.replace((this.items.slice(this.head) as T[]).filter(keep));
  }

  /** Holds these items instead, in their order. */
  replace(items: T[]): void {
    this.items = items;
    this.head = 0;
  }
}
