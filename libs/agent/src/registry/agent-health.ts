import type { AgentRecord } from 'agentmq/message-store';
import type { RegistryTimes } from './times.js';

/**
 * - `healthy`: heard of lately
 * - `suspect`: silent for longer than it should be
 * - `dead`: silent for so long that it is given up; it may come back
 * - `stopped`: it has left by its own will
 */
export type AgentHealth = 'healthy' | 'suspect' | 'dead' | 'stopped';

/** An agent as this process judges it. */
export interface RegisteredAgent extends AgentRecord {
  readonly health: AgentHealth;
}

/**
 * The health of an agent that was read at `now` (the database's), from what it was `before` (undefined: never seen).
 * Silence is held against it only by a reader that is `clear`; to one that has not seen it before it is at once suspect.
 */
export function healthOf(
  { heartbeatAt, stopped }: Pick<AgentRecord, 'heartbeatAt' | 'stopped'>,
  now: Date,
  before: AgentHealth | undefined,
  clear: boolean,
  { suspectAfter, deadAfter }: Pick<RegistryTimes, 'suspectAfter' | 'deadAfter'>,
): AgentHealth {
  if (stopped) return 'stopped';
  const silent = now.getTime() - heartbeatAt.getTime();
  if (silent < suspectAfter) return 'healthy';
  if (!clear) return before ?? 'suspect';
  return silent >= deadAfter || before === 'dead' ? 'dead' : 'suspect';
}
