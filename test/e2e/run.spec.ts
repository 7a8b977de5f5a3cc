import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { databaseUrl, randomNamespace, removeNamespace, testBus, until } from '../support/index.js';
import { CliRun, type CliExit } from './cli-run.js';
import { CommandLines } from './command-lines.js';
import { type Column, expectColumns, measurements, type Table } from './tables.js';

interface Report extends Record<string, unknown> {
  readonly input: string;
  readonly rows: number;
  readonly columns: Record<string, Column>;
  readonly messages: { readonly sent: number; readonly received: number };
}

/** On busy cores. */
const RUN_MS = 180_000;
const ROWS = 20_000;

describe('agentmq run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agentmq-e2e-run-'));
  const namespace = randomNamespace('e2e');
  const runs: CliRun[] = [];
  let table: Table;
  /** Of the first run. */
  let first: Report;

  const start = (args: string[], { env = {}, cwd = folder }: { env?: Record<string, string>; cwd?: string } = {}) => {
    const run = CliRun.start(cwd, ['run', ...args], env);
    runs.push(run);
    return run;
  };
  const run = (...given: Parameters<typeof start>): Promise<CliExit> => start(...given).exit;
  const reportIn = (file = 'report.json', cwd = folder): Report =>
    JSON.parse(readFileSync(join(cwd, file), 'utf8')) as Report;
  const write = (name: string, content: string): void => writeFileSync(join(folder, name), content);

  beforeAll(() => {
    table = measurements(ROWS);
    write('table.csv', table.csv);
  });

  afterAll(async () => {
    for (const each of runs) each.signal('SIGKILL');
    await Promise.all(runs.map((each) => each.exit));
    await removeNamespace(namespace);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }, 30_000);

  describe('on the embedded database', () => {
    it(
      'analyses a file: prints a report, and writes it',
      async () => {
        const { code, stdout, stderr } = await run(['--input', 'table.csv', '--agents', '1', '--no-page']);
        expect(stderr).not.toContain('page:');
        expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringMatching(/error|warn/i) });
        first = reportIn();
        expectReport(first, table);
        expect(first).toMatchObject({ input: 'table.csv', agents: 1, rejected: { count: 0, rows: [] } });
        expect(first.messages.received).toBeGreaterThan(8);
        expect(first.messages.sent).toBeGreaterThan(8);
        expect(stdout).toContain('table.csv\n20,000 rows, 4 columns\n');
        expect(stdout).toMatch(/^measure +17,143 +2,857 /m);
        expect(stdout).toMatch(/^code +20,000 +0 +91 /m);
        expect(stdout).toMatch(/^1 worker, \d+ messages sent, \d+ received, \d+\.\d s$/m);
        expect(stdout).toContain('report: report.json');
        expect(stdout).not.toContain('\u001b');
        expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
        expect(existsSync(join(folder, '.agentmq'))).toBe(true);
      },
      RUN_MS,
    );

    it(
      'comes to the same with 4 workers, from a pipe, with the page served, in the same folder, which a second run may not use meanwhile',
      async () => {
        execFileSync('mkfifo', [join(folder, 'pipe')]);
        const running = start(['--input', 'pipe', '--agents', '4', '--output', 'again.json']);
        spawn('sh', ['-c', 'cat table.csv > pipe'], { cwd: folder });
        const address = await until('the page', () => /^page: (\S+)$/m.exec(running.stderr)?.[1], RUN_MS, 20);
        const page = await fetch(address);
        const [, script = ''] = /<script type="module" src="([^"]+)"/.exec(await page.text()) ?? [];
        const asset = await fetch(new URL(script, address));
        expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-store']);
        expect(page.headers.get('content-security-policy')).toContain("script-src 'self'; style-src 'self'");
        expect([asset.status, asset.headers.get('cache-control')]).toEqual([200, expect.stringContaining('immutable')]);
        const foreign = await fetch(new URL('/me', address), { headers: { origin: 'http://elsewhere.test' } });
        expect(foreign.status).toBe(403);
        await until(
          'the folder to be taken',
          () => existsSync(join(folder, '.agentmq/lock')) || !running.running,
          RUN_MS,
        );
        const refused = await run(['--input', 'table.csv', '--output', 'refused.json']);
        expect(refused).toMatchObject({ code: 1, stdout: '' });
        expect(refused.stderr).toMatch(/^agentmq: .*\.agentmq is in use by process \d+: .*\n$/m);
        expect(existsSync(join(folder, 'refused.json'))).toBe(false);
        expect(await running.exit).toMatchObject({ code: 0 });
        expect(timeless(reportIn('again.json'))).toEqual({ ...timeless(first), input: 'pipe', agents: 4 });
      },
      RUN_MS,
    );

    it('ends by SIGTERM while it waits for a pipe that nothing writes to', async () => {
      execFileSync('mkfifo', [join(folder, 'silent')]);
      const waiting = start(['--input', 'silent']);
      // it reads from the pipe: only then can the other end be opened without waiting
      const writer = await until('the pipe to be open', () => opened(join(folder, 'silent')), RUN_MS, 50);
      waiting.signal('SIGTERM');
      expect(await waiting.exit).toMatchObject({ signal: 'SIGTERM', stdout: '' });
      closeSync(writer);
    });

    it('names a folder that the embedded database can not be kept in', async () => {
      const cwd = join(folder, 'taken');
      mkdirSync(cwd);
      writeFileSync(join(cwd, '.agentmq'), 'a file');
      const { code, stderr } = await run(['--input', join(folder, 'table.csv')], { cwd });
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^agentmq: .*\.agentmq: the embedded database can't be kept there: it is no directory\n$/m,
      );
      expect(stderr).not.toMatch(/^ {4}at /m);
    });

    it(
      'lists rows that can not be parsed, with 16 workers too',
      async () => {
        const lines = table.csv.split('\n').slice(0, 2_001);
        lines.splice(1_000, 0, '7,8', '1,2,3,4,5');
        lines.push('"9"x,1,red,100', '');
        write('some-bad.csv', lines.join('\n'));
        const { code, stdout } = await run(['--input', 'some-bad.csv', '--agents', '16']);
        expect(code).toBe(0);
        const report = reportIn();
        expect(report).toMatchObject({ rows: 2_000, agents: 16 });
        expect(report['rejected']).toEqual({
          count: 3,
          rows: [
            { line: 1_001, reason: 'has 2 fields where the header has 4' },
            { line: 1_002, reason: 'has 5 fields where the header has 4' },
            { line: 2_004, reason: 'text follows a closing quote' },
          ],
        });
        expect(stdout).toMatch(/^3 rows rejected:\n {2}line 1001: has 2 fields/m);
      },
      RUN_MS,
    );

    it(
      'stops at the first of them when told to be strict',
      async () => {
        const { code, stderr } = await run(['--input', 'some-bad.csv', '--strict', '--output', 'strict.json']);
        expectRefusal({ code, stderr }, 'some-bad.csv:1001: has 2 fields where the header has 4');
        expect(existsSync(join(folder, 'strict.json'))).toBe(false);
      },
      RUN_MS,
    );

    it(
      'may be killed, ends by SIGINT in the middle, and the folder serves the next run, which needs no input',
      async () => {
        const cwd = join(folder, 'interrupted');
        mkdirSync(cwd);
        writeFileSync(join(cwd, 'large.csv'), table.csv + table.csv.slice(table.csv.indexOf('\n') + 1).repeat(19));
        const begun = async (): Promise<CliRun> => {
          const large = start(['--input', 'large.csv'], { cwd, env: { SHUTDOWN_TIMEOUT: '1' } });
          // less than agents of a run that was killed would be waited for
          await until('progress', () => /\d%, [\d,]+ rows/.test(large.stderr) || !large.running, 90_000);
          return large;
        };
        const killed = await begun();
        killed.signal('SIGKILL');
        await killed.exit;

        const interrupted = await begun();
        expect(interrupted.running).toBe(true);
        interrupted.signal('SIGINT');
        const { code, signal, stdout } = await interrupted.exit;
        expect({ code, signal }).toEqual({ code: 130, signal: null });
        expect(stdout).not.toContain('rows');
        expect(existsSync(join(cwd, 'report.json'))).toBe(false);

        expect(await run([], { cwd })).toMatchObject({ code: 0, stdout: expect.stringContaining('10,000 rows') });
        const report = reportIn('report.json', cwd);
        expect(report.input).toMatch(/birdstrikes\.csv$/);
        expect(report).toMatchObject({ rows: 10_000, sentiment: { score: expect.any(Number) } });
        expect(report['keywords']).toContainEqual({ word: 'bird', count: expect.any(Number) });
        expect(Object.keys(report.columns)).toHaveLength(14);
        expect(report.columns['Wildlife Size']).toEqual({
          type: 'text',
          count: 10_000,
          missing: 0,
          distinct: 3,
          top: [
            ['Small', expect.any(Number)],
            ['Medium', expect.any(Number)],
            ['Large', expect.any(Number)],
          ],
        });
      },
      3 * RUN_MS,
    );
  });

  it(
    'comes to the same over servers, and leaves nothing undone',
    async () => {
      const env = {
        ...testBus.environment(testBus.sharedUrl()),
        DATABASE_URL: databaseUrl(),
        NAMESPACE: namespace,
      };
      const args = ['--input', 'table.csv', '--agents', '1', '--output', 'servers.json'];
      expect(await run(args, { env })).toMatchObject({ code: 0 });
      expect(timeless(reportIn('servers.json'))).toEqual(timeless(first));
      const client = new Client({ connectionString: databaseUrl() });
      await client.connect();
      try {
        const states = `SELECT type, array_agg(DISTINCT state) AS states FROM ${namespace}.tasks GROUP BY type ORDER BY type`;
        expect((await client.query(states)).rows).toEqual(
          ['csv_chunk', 'data_analysis'].map((type) => ({ type, states: ['completed'] })),
        );
        const open = `SELECT message_id FROM ${namespace}.deliveries WHERE state <> 'completed'`;
        expect((await client.query(open)).rows).toEqual([]);
        expect((await client.query(`SELECT message_id FROM ${namespace}.outbox`)).rows).toEqual([]);
      } finally {
        await client.end();
      }
    },
    RUN_MS,
  );

  describe('refuses with exit code 2, one line, and no report', () => {
    const files: Record<string, string> = {
      'empty.csv': '',
      'header.csv': '\na,b\n',
      'binary.csv': 'a,b\n1,2\n3,\0\n',
      'cr.csv': 'a,b\r1,2\r3,2\r',
      'open-quote.csv': 'a,b\n1,"2\n3,4\n',
    };
    const cases: [string, string[], string | RegExp][] = [
      ['a missing file', ['--input', 'nowhere/none.csv'], 'nowhere/none.csv: no such file'],
      ['a folder', ['--input', 'folder'], 'folder: is a directory'],
      ['an empty file', ['--input', 'empty.csv'], 'empty.csv: is empty'],
      ['a header without rows', ['--input', 'header.csv'], 'header.csv:2: is a header without rows'],
      ['a binary file', ['--input', 'binary.csv'], 'binary.csv:3: has a NUL byte'],
      ['an open quote', ['--input', 'open-quote.csv'], 'open-quote.csv:2: a quote that opens in this record'],
      ['line ends of CR alone', ['--input', 'cr.csv'], 'cr.csv:1: lines end with CR alone; LF or CRLF is needed'],
      [
        'a folder for the report',
        ['--input', 'table.csv', '--output', 'folder'],
        "folder: can't be written there: it is a folder",
      ],
      ['an unknown option', ['--loud'], /unknown option '--loud'/],
      ['no workers', ['--agents', '0'], /--agents .*'0' is invalid/],
    ];
    const answers = new Map<string, CliExit>();
    let unknownBus: CliExit;

    beforeAll(async () => {
      mkdirSync(join(folder, 'folder'));
      for (const [name, content] of Object.entries(files)) write(name, content);
      const commands = new CommandLines();
      for (const [what, args] of cases)
        answers.set(what, await commands.run(folder, ['run', '--output', 'none.json', ...args]));
      unknownBus = await commands.run(folder, ['run', '--input', 'table.csv'], { MESSAGE_BUS_TYPE: 'pigeons' });
      await commands.close();
    }, 2 * RUN_MS);

    it.each(cases)('%s', (what, _, message) => {
      const answer = answers.get(what);
      expectRefusal(answer, message);
      expect(answer?.stdout).toBe('');
      expect(existsSync(join(folder, 'none.json'))).toBe(false);
    });

    it('a message bus that there is not', () => {
      expect(unknownBus).toMatchObject({ code: 2, stdout: '' });
      expect(unknownBus.stderr).toMatch(
        /^agentmq: invalid settings:\n +MESSAGE_BUS_TYPE: .*in_memory, rabbitmq, redis.*\n$/,
      );
    });
  });
});

/** The other end of a pipe, once it is being read. */
function opened(pipe: string): number | undefined {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function expectReport(report: Report, { rows, columns }: Table): void {
  expect(Object.keys(report)).toEqual([
    'input',
    'rows',
    'agents',
    'columns',
    'keywords',
    'sentiment',
    'rejected',
    'messages',
    'durationMs',
  ]);
  expect(report.rows).toBe(rows);
  expectColumns(report.columns, columns);
  expect(report['durationMs']).toBeGreaterThan(0);
}

/** Without what depends on how long the run took. */
function timeless({ durationMs: _, messages: __, ...report }: Report): Record<string, unknown> {
  return report;
}

/** Exit code 2, and as the last line of stderr the message; no stack trace. */
function expectRefusal(answer: Pick<CliExit, 'code' | 'stderr'> | undefined, message: string | RegExp): void {
  const { code, stderr = '' } = answer ?? {};
  const line = stderr.trimEnd().split('\n').at(-1) ?? '';
  expect({ code, line }).toEqual({ code: 2, line: expect.stringMatching(message) });
  if (typeof message === 'string') expect(line.startsWith(`agentmq: ${message}`)).toBe(true);
  expect(stderr).not.toMatch(/^ {4}at /m);
}
