import type { AgentSettings } from '../settings/settings.js';

/** All in ms. */
export interface RegistryTimes {
  /** From one heartbeat to the next, at most. */
  readonly heartbeatInterval: number;
  /** From one reading of all agents to the next. */
  readonly readAllAfter: number;
  /** To the next one after a heartbeat that failed. */
  readonly retryInterval: number;
  /** How long the broker may take to confirm a heartbeat. */
  readonly confirmWithin: number;
  /** An agent that was silent for so long may be lost. */
  readonly suspectAfter: number;
  /** An agent that was silent for so long is lost. */
  readonly deadAfter: number;
  /** An agent that was silent for so long, and whose id is of one start alone, never comes back. */
  readonly endedAfter: number;
  /** Two successful heartbeats of one's own that are further apart have a gap between them, in which others may have been cut off too. */
  readonly longestGap: number;
  /** After a gap: how long until all agents that were cut off, too, could have been heard again. */
  readonly patience: number;
}

const LEAST_READ_ALL_MS = 60_000;
const READ_ALL_HEARTBEATS = 10;
const LEAST_ENDED_MS = 60_000;
const ENDED_TIMEOUTS = 3;
const LONGEST_CONFIRM_MS = 5_000;
const LONGEST_RECONNECT_MS = 10_000;

/** The longest delay between two attempts to reach a broker, in ms: never longer than from one heartbeat to the next. */
export const longestReconnect = ({ heartbeatInterval }: AgentSettings['registry']): number =>
  Math.min(LONGEST_RECONNECT_MS, heartbeatInterval);

export function registryTimes(settings: AgentSettings['registry']): RegistryTimes {
  const { heartbeatInterval, agentTimeout } = settings;
  const suspectAfter = (heartbeatInterval + agentTimeout) / 2;
  return {
    heartbeatInterval,
    readAllAfter: Math.max(LEAST_READ_ALL_MS, READ_ALL_HEARTBEATS * heartbeatInterval),
    retryInterval: heartbeatInterval / 4,
    confirmWithin: Math.min(LONGEST_CONFIRM_MS, heartbeatInterval),
    suspectAfter,
    deadAfter: agentTimeout,
    endedAfter: Math.max(LEAST_ENDED_MS, ENDED_TIMEOUTS * agentTimeout),
    longestGap: (heartbeatInterval + suspectAfter) / 2,
    patience: agentTimeout + longestReconnect(settings),
  };
}
