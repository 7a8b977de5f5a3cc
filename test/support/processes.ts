import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export interface ProcessEntry {
  pid: number;
  parent: number;
  group: number;
  /** The command line, its arguments joined by spaces. */
  args: string;
}

/** The processes that run on this machine, without those that have ended and whose parent has not noticed yet. */
export function runningProcesses(): ProcessEntry[] {
  // small Linux images come without `ps`
  return existsSync('/proc/self/stat') ? fromProc() : fromPs();
}

function fromProc(): ProcessEntry[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // the name, in brackets, may hold anything
      const [state = '', parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trimEnd();
      return state === 'Z' ? [] : [{ pid: Number(pid), parent: Number(parent), group: Number(group), args }];
    } catch {
      return [];
    }
  });
}

function fromPs(): ProcessEntry[] {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,pgid=,stat=,args='], { encoding: 'utf8' }).split(
    '\n',
  );
  return lines.flatMap((line) => {
    const [, pid, parent, group, args] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+[^Z\s]\S*\s+(.*)$/.exec(line) ?? [];
    return args === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), group: Number(group), args }];
  });
}
