import { visible, visibleJson } from 'agentmq/protocol';

/** Prints lines on stdout. Text from outside in them begins no other line, and does nothing to the terminal. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${visible(line)}\n`).join(''));
}

/** The same on stderr, for what is not the result. */
export function note(...lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${visible(line)}\n`).join(''));
}

export function printJson(value: unknown): void {
  const lines = JSON.stringify(value, null, 2).split('\n');
  process.stdout.write(`${lines.map(visibleJson).join('\n')}\n`);
}
