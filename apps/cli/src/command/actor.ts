import { userInfo } from 'node:os';
import type { Actor } from 'agentmq/operations';

/** The operating system's account that a command runs as, for the audit. */
export function commandActor(): Actor {
  return { name: accountName(), via: 'cli' };
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // an id without an entry in the system's table, as containers have
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
