import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AgentLogger } from './agent-logger.js';

const ESC = '\u001b';
const forged = `x\n[Nest] 1  - ERROR [AgentMQ] forged\r${ESC}[2J${ESC}]0;title\u0007 \u009b31m \u2028 \u202edlrow\u202c`;
const shown =
  'x\\n[Nest] 1  - ERROR [AgentMQ] forged\\r\\u001b[2J\\u001b]0;title\\u0007 \\u009b31m \\u2028 \\u202edlrow\\u202c';

describe('text from outside in the log', () => {
  let written = '';
  beforeEach(() => {
    written = '';
    for (const stream of [process.stdout, process.stderr])
      jest.spyOn(stream, 'write').mockImplementation((text) => {
        written += String(text);
        return true;
      });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('is one line of a message, context included', () => {
    new AgentLogger({ colors: false }).warn(`a ${forged} b`, forged);
    expect(written).toContain(`[${shown}] a ${shown} b\n`);
    expect(written.split('\n')).toHaveLength(2);
  });

  it('has the colours of the level, and none of its own', () => {
    new AgentLogger({ colors: true }).warn(forged);
    expect(written).toContain(shown);
    expect(written).not.toContain(`${ESC}[2J`);
  });

  it.each([
    ['an error', (error: Error) => [error]],
    ['a stack', (error: Error) => ['it failed', error.stack]],
    ['an object', (error: Error) => [{ error, text: forged, [forged]: new Map([[forged, forged]]) }]],
  ])('is indented in the lines of %s', (_, given) => {
    const error = Object.assign(new Error(forged), { detail: forged });
    const logger = new AgentLogger('Test', { colors: false });
    const [first, ...more] = given(error);
    logger.error(first, ...more);
    const [line = '', ...lines] = written.trimEnd().split('\n');
    expect(line).toMatch(/^\[Nest\] \d+ .* ERROR \[Test\] /);
    for (const each of lines) expect(each).toMatch(/^ {4}/);
    // oxlint-disable-next-line no-control-regex
    expect(written.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
  });

  it('is escaped in JSON, which stays the same text', () => {
    new AgentLogger({ json: true, colors: false }).warn(forged);
    expect(written.trimEnd().split('\n')).toHaveLength(1);
    // oxlint-disable-next-line no-control-regex
    expect(written.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202a-\u202e]/);
    expect(JSON.parse(written)).toMatchObject({ level: 'warn', message: forged });
  });
});
