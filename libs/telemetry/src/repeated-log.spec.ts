import { describe, expect, it } from '@jest/globals';
import { RepeatedLog } from './repeated-log.js';

describe('RepeatedLog', () => {
  function recorded() {
    const lines: string[] = [];
    let now = 0;
    const log = new RepeatedLog({ warn: (line) => lines.push(line) }, { elapsed: () => now });
    return { log, lines, pass: (ms: number) => (now += ms) };
  }
  const away = Object.assign(new Error('away'), { code: 'ECONNREFUSED' });

  it('tells the first at once, and then one line for all that come within five seconds', () => {
    const { log, lines, pass } = recorded();
    for (let n = 0; n < 200; n++, pass(50)) log.warn('settle', away);
    expect(lines).toEqual(['settle: away', 'settle: away (99 more since the last such line)']);
  });

  it('tells apart what failed, and why', () => {
    const { log, lines } = recorded();
    log.warn('settle', away);
    log.warn('relay', away);
    log.warn('settle', new TypeError('odd'));
    log.warn('settle', away);
    expect(lines).toEqual(['settle: away', 'relay: away', 'settle: odd']);
  });

  it('remembers a bounded number of kinds, and leaves out others meanwhile', () => {
    const { log, lines, pass } = recorded();
    for (let n = 0; n < 300; n++) log.note(`kind ${n}`, `line ${n}`);
    expect(lines).toHaveLength(100);
    pass(5_000);
    log.note('another', 'another line');
    expect(lines.at(-1)).toBe('another line');
  });
});
