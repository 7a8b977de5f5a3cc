import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { AgentSettings, type AgentStops, loadSettings, SettingsError } from 'agentmq/agent';
import { until } from '../../../../test/support/index.js';
import { ChildProcessSpawner } from './child-process-spawner.js';
import { WorkerStartError } from './errors.js';

/** Tells what it was given, then does what its second argument says. */
const PROGRAM = `
import { appendFileSync } from 'node:fs';
const [role, then] = process.argv.slice(2);
const { AGENT_ID, HTTP_PORT, NAMESPACE } = process.env;
appendFileSync(new URL('told', import.meta.url), JSON.stringify({ role, pid: process.pid, AGENT_ID, HTTP_PORT, NAMESPACE }) + '\\n');
if (then === 'crash') process.exit(3);
if (then === 'end') process.exit(0);
setTimeout(() => undefined, 60_000);
`;

interface Told {
  readonly role: string;
  readonly pid: number;
  readonly AGENT_ID?: string;
  readonly HTTP_PORT?: string;
  readonly NAMESPACE?: string;
}

describe('workers as child processes', () => {
  const asked: unknown[] = [];
  const stops = { ask: (...what: unknown[]) => void asked.push(what) } as unknown as AgentStops;
  let folder = '';
  let before: NodeJS.ProcessEnv;

  const told = (): Told[] => {
    const lines = readFileSync(join(folder, 'told'), 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Told);
  };
  const settingsOf = (then: string, more: Record<string, string> = {}): AgentSettings => {
    const SCALING_COMMAND = `${process.execPath} ${join(folder, 'worker.mjs')} {role} ${then}`;
    return loadSettings({ SCALING: 'worker:1-3', SCALING_COMMAND, ...more });
  };
  const spawnerOf = (then: string): ChildProcessSpawner => new ChildProcessSpawner(settingsOf(then), stops);

  beforeEach(() => {
    Logger.overrideLogger(false);
    before = { ...process.env };
    folder = mkdtempSync(join(tmpdir(), 'agentmq-spawner-'));
    writeFileSync(join(folder, 'worker.mjs'), PROGRAM);
    writeFileSync(join(folder, 'told'), '');
  });

  afterEach(() => {
    for (const { pid } of told()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it has ended
      }
    }
    rmSync(folder, { recursive: true });
    process.env = before;
    Logger.overrideLogger(['log', 'error', 'warn']);
  });

  it('run the command for their role, with this environment but an id and a port of their own', async () => {
    process.env = { ...before, AGENT_ID: 'coordinator-1', HTTP_PORT: '3000', NAMESPACE: 'mine' };
    const { ended } = await spawnerOf('stay').start('worker');
    const [worker] = await until('the worker to tell', () => (told().length > 0 ? told() : undefined));
    expect(worker).toEqual({ role: 'worker', pid: expect.any(Number), HTTP_PORT: '0', NAMESPACE: 'mine' });
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    await ended;
  });

  it('are in a session of their own', async () => {
    await spawnerOf('stay').start('worker');
    const [worker] = await until('the worker to tell', () => (told().length > 0 ? told() : undefined));
    const stat = readFileSync(`/proc/${worker?.pid}/stat`, 'utf8');
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    expect(Number(session)).toBe(worker?.pid);
  });

  it('that end with an error say how', async () => {
    const { ended } = await spawnerOf('crash').start('worker');
    expect(await ended).toMatch(/^a process ended with exit code 3 after \d+\.\d s$/);
  });

  it('that end with exit code 0 may have left an agent behind: they are not said to have ended', async () => {
    const { ended, end } = await spawnerOf('end').start('worker');
    let said = false;
    void ended.then(() => (said = true));
    const [worker] = await until('the worker to tell', () => (told().length > 0 ? told() : undefined));
    await until('it to be gone', () => !isThere(worker?.pid));
    expect(said).toBe(false);
    expect(() => end?.()).not.toThrow();
  });

  it('are ended with what they have started when no agent comes of them', async () => {
    const SCALING_COMMAND = `sh ${join(folder, 'launcher.sh')} {role}`;
    writeFileSync(join(folder, 'launcher.sh'), `"${process.execPath}" "${join(folder, 'worker.mjs')}" $1 stay\ntrue\n`);
    const spawner = new ChildProcessSpawner(loadSettings({ SCALING: 'worker:1-3', SCALING_COMMAND }), stops);
    const { ended, end } = await spawner.start('worker');
    const [worker] = await until('the worker to tell', () => (told().length > 0 ? told() : undefined));
    end?.();
    expect(await ended).toMatch(/^a process ended with SIGTERM/);
    await until('the worker to be gone', () => !isThere(worker?.pid));
  });

  it('of a command that is not there are an error that names it', async () => {
    const settings = loadSettings({ SCALING: 'worker:1-3', SCALING_COMMAND: '/nowhere/at-all {role}' });
    const spawner = new ChildProcessSpawner(settings, stops);
    await expect(spawner.start('worker')).rejects.toThrow('worker: /nowhere/at-all could not be run');
    await expect(spawner.start('worker')).rejects.toThrow(WorkerStartError);
  });

  it('of roles without an app or a command are refused at the start', () => {
    const settings = loadSettings({ SCALING: 'baker:1-3,brewer:0-1' });
    expect(() => new ChildProcessSpawner(settings, stops)).toThrow(SettingsError);
    expect(() => new ChildProcessSpawner(settings, stops)).toThrow(
      /no app "baker"[^]*no app "brewer".*SCALING_COMMAND/,
    );
  });

  it('are asked to stop by a message, whoever has started them', async () => {
    await spawnerOf('stay').stop({ id: 'worker-7', instance: 'i7' }, 'enough');
    expect(asked).toEqual([[{ id: 'worker-7', instance: 'i7' }, 'enough']]);
  });
});

/** Whether a process runs: one that has ended and is not yet waited for does not. */
function isThere(pid = 0): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat[stat.lastIndexOf(')') + 2] !== 'Z';
  } catch {
    return false;
  }
}
