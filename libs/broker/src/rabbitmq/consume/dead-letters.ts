import type { DeadLettered } from '../../broker.js';
import type { Topology } from '../../topology.js';
import type { Delivery } from '../frames/channel-reader.js';

/** Headers that RabbitMQ adds to what it dead-letters; those with `last` come with RabbitMQ 3.13. */
const ADDED = /^x-(death$|first-death-|last-death-)/;

/** A message from the queue of dead letters, without the headers that RabbitMQ put on it. Never throws. */
export function readDeadLetter({ properties, body }: Delivery, topology: Topology): DeadLettered {
  const death = latestDeath(properties.headers);
  const queue = text(death['queue']);
  const owner = queue === undefined ? undefined : topology.ownerOf(queue);
  const [exchange, routingKey] = [text(death['exchange']), firstText(death['routing-keys'])];
  const count = death['count'];
  const original = text(death['original-expiration']) ?? '';
  return {
    properties: {
      ...properties,
      headers: Object.fromEntries(Object.entries(properties.headers).filter(([name]) => !ADDED.test(name))),
    },
    body,
    owner,
    reason: text(death['reason']) ?? 'unknown',
    expiration: /^\d+$/.test(original) ? Number(original) : undefined,
    count: typeof count === 'number' && count >= 1 ? count : 1,
    recipient:
      exchange === undefined || routingKey === undefined
        ? owner
        : owner
          ? topology.recipientOf(exchange, routingKey, owner)
          : topology.recipientAt(exchange, routingKey),
  };
}

/** RabbitMQ keeps one entry per queue and reason, the latest first (https://www.rabbitmq.com/docs/dlx#effects). */
function latestDeath(headers: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const deaths = headers['x-death'];
  const [latest] = Array.isArray(deaths) ? (deaths as readonly unknown[]) : [];
  return typeof latest === 'object' && latest !== null ? { ...latest } : {};
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The keys of a message's `CC` header come behind its own. */
const firstText = (value: unknown): string | undefined => (Array.isArray(value) ? text(value[0]) : undefined);
