import type { Logger } from '@nestjs/common';
import { errorText } from 'agentmq/protocol';
import { pause } from 'agentmq/time';

/** In a client, which sends no heartbeats: reads every `intervalMs` until `signal` aborts. Never rejects. */
export async function keepReading(
  read: () => Promise<void>,
  intervalMs: number,
  logger: Pick<Logger, 'warn'>,
  signal: AbortSignal,
): Promise<void> {
  for (let failing = false; ;) {
    await pause(intervalMs * (0.9 + Math.random() / 10), signal);
    if (signal.aborted) return;
    try {
      await read();
      failing = false;
    } catch (error) {
      if (!failing && !signal.aborted) logger.warn(`which agents are there can't be read: ${errorText(error)}`);
      failing = true;
    }
  }
}
