import type { ColumnPart, ColumnSummary } from 'agentmq/contracts';
import { NumberColumn } from './number-column.js';
import { TextColumn } from './text-column.js';

/** What is known of one column so far: nothing, numbers, text, or both ("mixed"), which a second pass has to count. */
export class Column {
  private missing = 0;
  private state: NumberColumn | TextColumn | 'empty' | 'mixed' = 'empty';

  constructor(readonly name: string) {}

  add(part: ColumnPart): void {
    this.missing += part.missing;
    if (part.type === 'empty' || this.state === 'mixed') return;
    if (this.state === 'empty') this.state = part.type === 'number' ? new NumberColumn() : new TextColumn();
    if (part.type === 'number' && this.state instanceof NumberColumn) this.state.add(part);
    else if (part.type === 'text' && this.state instanceof TextColumn) this.state.add(part);
    else this.state = 'mixed';
  }

  get undecided(): boolean {
    return this.state === 'mixed';
  }

  /** Undefined unless the column is text. */
  get text(): TextColumn | undefined {
    return this.state instanceof TextColumn ? this.state : undefined;
  }

  /** A column without a present value is text. Not of an undecided column. */
  async summary(): Promise<ColumnSummary> {
    const { state, name, missing } = this;
    const column = typeof state === 'string' ? new TextColumn() : state;
    return column.summary(name, missing);
  }
}
