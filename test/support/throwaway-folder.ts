import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runningProcesses } from './processes.js';

/** Every throw-away server keeps its data in a folder of this name, and carries the folder's path in its arguments. */
const MARKER = 'agentmq-test-';

export interface User {
  name: string;
  uid: number;
  gid: number;
}

/** The user of that name; undefined if we are not root, who alone can run something as another user, or there is none. */
export function otherUser(name: string): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const id = (option: string): number =>
      Number(execFileSync('id', [option, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return { name, uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

/** The data folder of one throw-away server, in the system's folder for temporary files. */
export class ThrowawayFolder {
  private constructor(readonly path: string) {}

  /** Creates a folder that `owner` (default: ourselves) may write to. */
  static create(kind: string, owner?: User): ThrowawayFolder {
    const path = mkdtempSync(join(tmpdir(), `${MARKER}${kind}-`));
    writeFileSync(join(path, 'parent.pid'), String(process.pid));
    if (owner) chownSync(path, owner.uid, owner.gid);
    return new ThrowawayFolder(path);
  }

  join(name: string): string {
    return join(this.path, name);
  }

  /** Notes the process that serves from this folder, so that a later run finds it should ours crash. */
  noteServer(pid: number): void {
    writeFileSync(this.join('server.pid'), String(pid));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Ends the servers, and removes the folders, whose starter is gone. Returns what it removed. */
export function removeLeftovers(folder = tmpdir()): string[] {
  const leftovers = readdirSync(folder)
    .filter((name) => name.startsWith(MARKER))
    .map((name) => join(folder, name))
    .filter((path) => {
      const parent = readPid(join(path, 'parent.pid'));
      return parent !== undefined && !isAlive(parent);
    });
  if (leftovers.length === 0) return leftovers;
  const processes = runningProcesses();
  for (const path of leftovers) {
    const server = readPid(join(path, 'server.pid'));
    // the number alone may by now be that of an innocent process
    const isServer = processes.some(({ pid, args }) => pid === server && args.includes(path));
    if (server !== undefined && isServer) killGroup(server);
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }
  return leftovers;
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function killGroup(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // gone already, or not ours
    }
  }
}
