import type { Logger } from '@nestjs/common';
import { errorText } from 'agentmq/protocol';
import { pause } from 'agentmq/time';
import type { AgentRegistry } from './agent-registry.js';
import type { registryTimes } from './times.js';

/** Sends heartbeats until `signal` aborts. Resolves with true when a newer instance of the agent's id has taken its place. */
export async function sendHeartbeats(
  registry: AgentRegistry,
  { heartbeatInterval, retryInterval }: ReturnType<typeof registryTimes>,
  logger: Pick<Logger, 'log' | 'warn'>,
  signal: AbortSignal,
): Promise<boolean> {
  let next = heartbeatInterval;
  for (;;) {
    // Never later than told, so that no agent that knows the interval finds it late; not all at the same time.
    await pause(next * (0.9 + Math.random() / 10), signal);
    if (signal.aborted) return false;
    const failing = next === retryInterval;
    try {
      if (!(await registry.heartbeat())) return !signal.aborted;
      if (failing) logger.log('heartbeats get through again');
      next = heartbeatInterval;
    } catch (error) {
      if (signal.aborted) return false;
      next = retryInterval;
      if (!failing) logger.warn(`heartbeat: ${errorText(error)}`);
    }
  }
}
