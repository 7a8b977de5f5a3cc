import type { AnalysisProgress } from 'agentmq/contracts';
import { Presets, SingleBar } from 'cli-progress';

const LINE_EVERY_MS = 2_000;

/** Shows on stderr how far a run is: a bar on a terminal, a line now and then elsewhere. */
export class ProgressDisplay {
  private readonly bar = process.stderr.isTTY
    ? new SingleBar(
        {
          format: '  {bar} {percentage}% | {rows} rows | {pass}',
          hideCursor: true,
          clearOnComplete: true,
          stream: process.stderr,
        },
        Presets.shades_classic,
      )
    : undefined;
  private nextLine = Date.now() + LINE_EVERY_MS;
  private started = false;

  constructor(private readonly totalBytes: number) {}

  show({ rows, bytes, pass }: AnalysisProgress): void {
    const passText = pass > 1 ? 'second pass: columns that are numbers in part' : '';
    if (this.bar) {
      if (!this.started) this.bar.start(this.totalBytes, 0, { rows: 0, pass: '' });
      this.started = true;
      this.bar.update(Math.min(bytes, this.totalBytes), { rows: rows.toLocaleString('en'), pass: passText });
    } else if (Date.now() >= this.nextLine) {
      this.nextLine = Date.now() + LINE_EVERY_MS;
      const percent = Math.floor((100 * bytes) / Math.max(1, this.totalBytes));
      process.stderr.write(`  ${percent}%, ${rows.toLocaleString('en')} rows${passText && ` (${passText})`}\n`);
    }
  }

  stop(): void {
    if (this.started) this.bar?.stop();
  }
}
