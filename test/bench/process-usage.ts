import { readFileSync } from 'node:fs';
import { runningProcesses } from '../support/processes.js';

/** What `getconf CLK_TCK` says on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process and its children that live have used up to now (Linux). */
export function cpuSeconds(root: number): number {
  const family = runningProcesses().filter(({ pid, parent }) => pid === root || parent === root);
  return family.reduce((sum, { pid }) => sum + ticksOf(pid), 0) / TICKS_PER_SECOND;
}

function ticksOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}

/** The resident memory of a process (Linux). */
export function residentMb(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb) / 1024;
}
