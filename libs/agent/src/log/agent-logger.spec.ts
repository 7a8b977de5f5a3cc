import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Contract } from 'agentmq/protocol';
import { AgentLogger } from './agent-logger.js';

const ESC = '\u001b';
const forged = `x\n12:00:00.000 ERROR: [AgentMQ] forged\r${ESC}[2J${ESC}]0;title\u0007 \u009b31m \u2028 \u202edlrow\u202c`;
const shown =
  'x\\n12:00:00.000 ERROR: [AgentMQ] forged\\r\\u001b[2J\\u001b]0;title\\u0007 \\u009b31m \\u2028 \\u202edlrow\\u202c';
// oxlint-disable-next-line no-control-regex
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/;

@Contract({ type: 'patient', sensitive: true })
class Patient {
  name = 'Geheim';
}

describe('the log', () => {
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

  it('has text from outside as one line of a message, context included', () => {
    new AgentLogger({ format: 'text', colors: false }).warn(`a ${forged} b`, forged);
    expect(written).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: /);
    expect(written).toContain(`[${shown}] a ${shown} b\n`);
    expect(written.split('\n')).toHaveLength(2);
  });

  it('has the colours of the level, and none of a value', () => {
    new AgentLogger({ format: 'text', colors: true }).warn(forged);
    expect(written).toContain(shown);
    expect(written).toContain(`${ESC}[`);
    expect(written).not.toContain(`${ESC}[2J`);
  });

  it.each([
    ['an error', (error: Error) => [error]],
    ['a stack', (error: Error) => ['it failed', error.stack]],
    ['an object', (error: Error) => [{ error, text: forged, [forged]: new Map([[forged, forged]]) }]],
  ])('indents what is below the line of %s', (_, given) => {
    const error = Object.assign(new Error(forged), { detail: forged });
    const [first, ...more] = given(error);
    new AgentLogger({ format: 'text', colors: false }).error(first, ...more, 'Test');
    const [line = '', ...lines] = written.trimEnd().split('\n');
    expect(line).toMatch(/ ERROR: \[Test\]/);
    for (const each of lines) expect(each).toMatch(/^ {4}/);
    expect(written.replaceAll('\n', '')).not.toMatch(OBEYED);
  });

  it('escapes in JSON, which stays the same text', () => {
    new AgentLogger({ format: 'json' }).warn(forged, 'Test');
    expect(written.trimEnd().split('\n')).toHaveLength(1);
    expect(written.trimEnd()).not.toMatch(OBEYED);
    expect(JSON.parse(written)).toMatchObject({ level: 'warn', context: 'Test', message: forged });
  });

  it.each(['json', 'text'] as const)('shows no payload of a sensitive contract (%s)', (format) => {
    const logger = new AgentLogger({ format });
    logger.log(new Patient());
    logger.warn('it came', { of: [new Patient()] });
    logger.error(Object.assign(new Error('no'), { patient: new Patient() }));
    expect(written).toContain('patient@1 is sensitive');
    expect(written).not.toContain('Geheim');
  });

  it('has one line of bounded size, whatever is logged', () => {
    const logger = new AgentLogger({ format: 'json' });
    interface Node {
      readonly next: Node[];
    }
    const ring: Node[] = [];
    for (let n = 0; n < 8; n++) ring.push({ next: ring });
    const wide = (depth: number): unknown[] => Array.from({ length: 8 }, () => (depth === 0 ? 1 : wide(depth - 1)));
    logger.warn('it came', { ring, wide: wide(5), text: 'x'.repeat(100_000) });
    expect(written.length).toBeLessThan(40_000);
    expect(written).toContain('[circular]');
    expect(JSON.parse(written)).toMatchObject({ message: 'it came' });
  });

  it('tells what can not be read in its place, and what has a JSON form by that', () => {
    const logger = new AgentLogger({ format: 'json' });
    const odd = {
      get broken(): never {
        throw new Error('no');
      },
      at: new URL('http://localhost/path'),
      again: { toJSON: () => ({ n: 1n }) },
    };
    const failure = Object.assign(new Error('it failed'), { odd });
    logger.error(failure, odd);
    const shown = { broken: '[unreadable]', at: 'http://localhost/path', again: { n: '1n' } };
    expect(JSON.parse(written)).toMatchObject({ message: 'Error: it failed', error: { odd: shown }, data: [shown] });
  });

  it('shows the levels that it is told to, and what Nest tells of its modules as debug', () => {
    const logger = new AgentLogger({ format: 'json', logLevels: ['log', 'error'] });
    logger.warn('one', 'Test');
    logger.log('two', 'InstanceLoader');
    logger.log('three', 'Test');
    expect(written.trimEnd().split('\n')).toHaveLength(1);
    expect(written).toContain('three');
  });
});
