import type { Logger } from '@nestjs/common';
import { errorText } from 'agentmq/protocol';
import { pause } from 'agentmq/time';
import type { AgentPauses } from '../pauses/agent-pauses.js';
import type { AgentRegistry } from './agent-registry.js';
import type { registryTimes } from './times.js';

/** Sends heartbeats until `signal` aborts. Resolves with true when a newer instance of the agent's id has taken its place. */
export async function sendHeartbeats(
  { registry, pauses }: { readonly registry: AgentRegistry; readonly pauses: AgentPauses },
  { heartbeatInterval, retryInterval }: ReturnType<typeof registryTimes>,
  logger: Pick<Logger, 'log' | 'warn'>,
  signal: AbortSignal,
): Promise<boolean> {
  let next = heartbeatInterval;
  let taken = 0;
  for (;;) {
    // Never later than told, so that no agent that knows the interval finds it late; not all at the same time. A heartbeat
    // that took long does not delay the next one, which leaves the servers some rest all the same.
    await pause(Math.max(retryInterval, next - taken) * (0.9 + Math.random() / 10), signal);
    if (signal.aborted) return false;
    const failing = next === retryInterval;
    const begun = performance.now();
    try {
      if (!(await registry.heartbeat())) return !signal.aborted;
      // What operators have paused meanwhile, should no message have told of it.
      await pauses.read().catch((error: unknown) => logger.warn(`pauses: ${errorText(error)}`));
      if (failing) logger.log('heartbeats get through again');
      next = heartbeatInterval;
    } catch (error) {
      if (signal.aborted) return false;
      next = retryInterval;
      if (!failing) logger.warn(`heartbeat: ${errorText(error)}`);
    }
    taken = performance.now() - begun;
  }
}
