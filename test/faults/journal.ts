import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';

/** What a sender knows of its numbers. What is offered and not accepted may or may not have been stored. */
export interface JournalEntries {
  readonly offered: ReadonlySet<number>;
  readonly accepted: ReadonlySet<number>;
}

/** Written by the sender before and after each send. The operating system keeps what was written when the sender is killed. */
export class Journal {
  private readonly file: number;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  offer(n: number): void {
    writeSync(this.file, `o ${n}\n`);
  }

  accept(n: number): void {
    writeSync(this.file, `a ${n}\n`);
  }

  close(): void {
    closeSync(this.file);
  }
}

/** Reads journals back; one that was never begun is empty. */
export function readJournals(paths: readonly string[]): JournalEntries {
  const offered = new Set<number>();
  const accepted = new Set<number>();
  for (const path of paths.filter(existsSync)) {
    // what follows the last line break is a line that was not finished
    for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
      (line.startsWith('a') ? accepted : offered).add(Number(line.slice(2)));
    }
  }
  return { offered, accepted };
}
