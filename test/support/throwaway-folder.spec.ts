import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeLeftovers } from './throwaway-folder.js';

describe('what a crashed run leaves behind', () => {
  let folder: string;
  /** The id of a process that has ended. */
  const gone = spawnSync('true').pid;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'leftovers-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const leave = (name: string, parent: number, server?: number): string => {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(join(path, 'parent.pid'), String(parent));
    if (server !== undefined) writeFileSync(join(path, 'server.pid'), String(server));
    return path;
  };

  it('is removed, and its server ended', async () => {
    const path = join(folder, 'agentmq-test-thing-1');
    const server = spawn('sh', ['-c', 'sleep 60; true', path], { detached: true, stdio: 'ignore' });
    const ended = once(server, 'exit');
    leave('agentmq-test-thing-1', gone, server.pid);
    expect(removeLeftovers(folder)).toEqual([path]);
    expect((await ended)[1]).toBe('SIGKILL');
    expect(existsSync(path)).toBe(false);
  });

  it('is told from what a running process uses, and from what is not ours', () => {
    const used = leave('agentmq-test-thing-2', process.pid);
    const other = leave('something-else', gone);
    expect(removeLeftovers(folder)).toEqual([]);
    expect([used, other].every(existsSync)).toBe(true);
  });

  it('does not cost the life of a process that now has the number of the server', async () => {
    const innocent = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const ended = once(innocent, 'exit');
    const path = leave('agentmq-test-thing-3', gone, innocent.pid);
    expect(removeLeftovers(folder)).toEqual([path]);
    innocent.kill('SIGTERM');
    expect((await ended)[1]).toBe('SIGTERM');
  });
});
