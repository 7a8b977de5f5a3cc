import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';
import { resolve } from 'node:path';
import { GuardedProcess } from './guarded-process.js';
import { runningProcesses, type ProcessEntry } from './processes.js';
import { until } from './wait.js';

/** A process with a child that would outlive it. */
const COMMAND = ['/bin/sh', ['-c', 'sleep 60 & exec sleep 60']] as const;
const OPTIONS = { env: { PATH: '/usr/bin:/bin' }, logFile: devNull };

describe('GuardedProcess', () => {
  it('takes its group with it', async () => {
    const guarded = await GuardedProcess.spawn(...COMMAND, OPTIONS);
    await until('both processes', () => groupOf(guarded.pid).length === 2);
    expect(await guarded.end('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' });
    await until('the group to end', () => groupOf(guarded.pid).length === 0);
    expect(guarded.running).toBe(false);
  });

  it('rejects when the command can not be run', async () => {
    await expect(GuardedProcess.spawn('/no/such/command', [], OPTIONS)).rejects.toThrow('ENOENT');
  });

  // needs the compiled sources: `npm test` makes them first
  it('ends, with its group, when the process that started it is killed', async () => {
    const starter = `
      const { GuardedProcess } = await import(${JSON.stringify(resolve('dist/test/support/guarded-process.js'))});
      const guarded = await GuardedProcess.spawn(...${JSON.stringify(COMMAND)}, ${JSON.stringify(OPTIONS)});
      console.log(guarded.pid);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', starter], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await until('both processes', () => groupOf(pid).length === 2);
    parent.kill('SIGKILL');
    await until('the group to end', () => groupOf(pid).length === 0);
  });
});

function groupOf(pgid: number): ProcessEntry[] {
  return runningProcesses().filter(({ group }) => group === pgid);
}
