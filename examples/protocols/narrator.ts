import { visible } from 'agentmq/protocol';

/** Tells on stdout, agent by agent, what happens, with the seconds since the start. */
export class Narrator {
  private readonly started = performance.now();

  constructor(private readonly nameWidth: number) {}

  tell(name: string, text: string): void {
    const seconds = ((performance.now() - this.started) / 1_000).toFixed(1);
    console.log(visible(`${seconds.padStart(6)} s  ${name.padEnd(this.nameWidth)}  ${text}`));
  }
}
