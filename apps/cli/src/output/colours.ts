import { styleText } from 'node:util';

export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Text in a colour, on a terminal that shows colours: not in a pipe, nor with NO_COLOR. */
export const painted = (text: string, style: Style | undefined): string =>
  style === undefined || text === '' || !process.stdout.isTTY || !process.stdout.hasColors()
    ? text
    : styleText(style, text);

const styles: Readonly<Record<string, Style>> = {
  healthy: 'green',
  up: 'green',
  ok: 'green',
  completed: 'green',
  approved: 'green',
  suspect: 'yellow',
  degraded: 'yellow',
  retrying: 'yellow',
  paused: 'yellow',
  draining: 'yellow',
  drained: 'yellow',
  processing: 'cyan',
  running: 'cyan',
  assigned: 'cyan',
  open: 'cyan',
  dead: 'red',
  down: 'red',
  failed: 'red',
  gone: 'red',
  rejected: 'red',
  stopped: 'dim',
  expired: 'dim',
  discarded: 'dim',
  cancelled: 'dim',
};

/** The colour of a state, which is the first word of the cell. */
export const stateStyle = (cell: string): Style | undefined => styles[/^[a-z]+/.exec(cell)?.[0] ?? ''];

/** Numbers of which any is trouble. */
export const troubleStyle = (cell: string): Style | undefined => (/[1-9]/.test(cell) ? 'red' : 'dim');
