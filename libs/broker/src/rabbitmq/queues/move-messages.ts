import type { ConsumeMessage, Options } from 'amqplib';
import { errorText } from 'agentmq/protocol';
import { QueueMoveError } from '../../errors.js';
import type { Connection } from '../connection/connection.js';
import { sizeOf } from './queue-inspection.js';

const AT_ONCE = 200;
const LOOK_EVERY_MS = 50;
/** A queue that takes nothing for so long is full for good. */
const PATIENCE_MS = 30_000;

/**
 * Moves all messages of a queue into another, in order: each is acknowledged when the other queue has confirmed it.
 * Resolves with how many, when the queue is empty. Rejects with `QueueMoveError`.
 */
export async function moveMessages(
  connection: Connection,
  from: string,
  to: string,
  optionsOf: (message: ConsumeMessage) => Options.Publish,
): Promise<number> {
  const reading = await connection.model.createChannel();
  const writing = await connection.model.createConfirmChannel();
  let moved = 0;
  let underWay = 0;
  let lastProgress = performance.now();
  const ended: { because?: Error } = {};
  const fail = (error: Error): void => void (ended.because ??= error);
  for (const channel of [reading, writing]) {
    channel.on('error', fail);
    channel.on('close', () => fail(new QueueMoveError(from, 'the channel was closed')));
  }
  writing.on('return', () => fail(new QueueMoveError(to, 'it is gone')));
  const write = (message: ConsumeMessage): void => {
    if (ended.because) return;
    try {
      writing.publish('', to, message.content, { ...optionsOf(message), mandatory: true }, (refusal: unknown) => {
        if (ended.because) return;
        if (refusal) {
          // Full: its readers make room.
          setTimeout(() => write(message), LOOK_EVERY_MS);
          return;
        }
        reading.ack(message);
        underWay--;
        moved++;
        lastProgress = performance.now();
      });
    } catch (cause) {
      const id = String(message.properties.messageId ?? 'without an id');
      const reason = errorText(cause);
      fail(new QueueMoveError(from, `message ${id} can't be moved: ${reason}`, { cause }));
    }
  };
  try {
    await reading.prefetch(AT_ONCE);
    await reading.consume(from, (message) => {
      if (!message) return fail(new QueueMoveError(from, 'it is gone'));
      underWay++;
      write(message);
    });
    for (let empty = 0; empty < 2;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      if (ended.because) throw ended.because;
      const left = (await sizeOf(connection, from))?.messages ?? 0;
      empty = left === 0 && underWay === 0 ? empty + 1 : 0;
      if (empty === 0 && performance.now() - lastProgress > PATIENCE_MS) {
        throw new QueueMoveError(to, `it takes no more: ${left + underWay} messages stay in ${from}`);
      }
    }
    return moved;
  } finally {
    fail(new QueueMoveError(from, 'ended'));
    await Promise.allSettled([reading.close(), writing.close()]);
  }
}
