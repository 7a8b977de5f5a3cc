import { once } from 'node:events';
import { Broker, type Incoming } from 'agentmq/broker';
import { isSealed, sealedWith } from 'agentmq/messaging';
import { checkTopicPattern, decodeBody, formatRecipient, fromWire } from 'agentmq/protocol';
import type { JsonOption } from '../command/options.js';
import { withClient } from '../command/with-client.js';
import { note, print } from '../output/index.js';

export interface SubscribeOptions extends JsonOption {
  readonly type?: string;
  /** Ends after so many. */
  readonly count?: number;
}

/**
 * Prints what is published to topics from now on, a line each, until SIGINT or SIGTERM, or `count` of them. Nothing is owed to it: it hears
 * beside the agents, and misses what is published while the broker is away. Rejects with `InvalidMessageError` for a pattern that is none.
 */
export async function subscribe(
  topics: readonly string[],
  { type, count = Infinity, json }: SubscribeOptions,
): Promise<void> {
  const patterns = topics.map(checkTopicPattern);
  await withClient(async (client) => {
    const done = new AbortController();
    const end = (): void => done.abort();
    process.once('SIGINT', end).once('SIGTERM', end);
    let heard = 0;
    const listener = await client.get(Broker, { strict: false }).listen(patterns, (incoming) => {
      if (heard >= count) return;
      const message = readMessage(incoming);
      if (type !== undefined && message.type !== type) return;
      heard++;
      print(json ? JSON.stringify(message) : lineOf(message));
      if (heard >= count) done.abort();
    });
    note(`listens to ${patterns.join(', ')}; Ctrl-C ends it`);
    if (!done.signal.aborted) await once(done.signal, 'abort');
    process.off('SIGINT', end).off('SIGTERM', end);
    await listener.close();
  });
}

interface Heard {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly sender: string;
  readonly recipient: string;
  readonly sentAt: Date;
  readonly payload?: unknown;
  readonly payloadHidden?: string;
}

function readMessage(incoming: Incoming): Heard {
  const { message } = fromWire(incoming.recipient, incoming, { sample: () => false });
  const { messageId: id, type, version, sender, recipient, timestamp: sentAt, body } = message;
  return { id, type, version, sender, recipient: formatRecipient(recipient), sentAt, ...payloadOf(message, body) };
}

function payloadOf(message: Parameters<typeof isSealed>[0], body: Buffer): Pick<Heard, 'payload' | 'payloadHidden'> {
  if (isSealed(message)) return { payloadHidden: sealedWith(body) };
  try {
    return { payload: decodeBody(body) };
  } catch {
    return { payload: body.toString() };
  }
}

const lineOf = ({ sentAt, recipient, type, version, sender, payload, payloadHidden }: Heard): string =>
  `${sentAt.toISOString()} ${recipient} ${type}@${version} from ${sender} ${payloadHidden ?? JSON.stringify(payload)}`;
