import { clean, texts } from 'agentmq/database';
import type { Message } from 'agentmq/protocol';

/** The parameters of `storeKeys`: an array each of message ids, names and values. */
export function keyParameters(messages: readonly Message[]): Buffer[] {
  const keys = messages.flatMap(({ messageId, keys = {} }) =>
    Object.entries(keys).map(([name, value]) => ({ id: clean(messageId), name: clean(name), value: clean(value) })),
  );
  return [texts(keys.map(({ id }) => id)), texts(keys.map(({ name }) => name)), texts(keys.map(({ value }) => value))];
}
