import type { ReplayProgress } from 'agentmq/messaging';
import { Presets, SingleBar } from 'cli-progress';

const LINE_EVERY_MS = 2_000;

/** Shows on stderr how far a replay is: a bar on a terminal, a line now and then elsewhere. */
export class ReplayDisplay {
  /** A bar is drawn against a total. */
  readonly wantsTotal = process.stderr.isTTY;
  private nextLine = Date.now() + LINE_EVERY_MS;
  private bar: SingleBar | undefined;

  start(total: number): void {
    this.bar = new SingleBar(
      {
        format: '  {bar} {value}/{total} | {eta_formatted}',
        hideCursor: true,
        clearOnComplete: true,
        stream: process.stderr,
      },
      Presets.shades_classic,
    );
    this.bar.start(total, 0);
  }

  show({ matched, replayed }: ReplayProgress): void {
    if (this.bar) {
      this.bar.setTotal(Math.max(replayed, this.bar.getTotal()));
      this.bar.update(replayed);
    } else if (Date.now() >= this.nextLine) {
      this.nextLine = Date.now() + LINE_EVERY_MS;
      process.stderr.write(`  ${replayed} of ${matched} so far\n`);
    }
  }

  stop(): void {
    this.bar?.stop();
  }
}
