import type { Bus, BusName } from './bus.js';
import { rabbitMq } from './rabbitmq.js';
import { redis } from './redis.js';

export type { Bus, BusName, InboxAt, OwnBroker } from './bus.js';

export const buses: Readonly<Record<BusName, Bus>> = { rabbitmq: rabbitMq, redis };

/** The kind that a name means. Throws `TypeError` when there is no such kind. */
export function busOf(name: string): Bus {
  const bus = Object.values(buses).find((each) => each.name === name);
  if (!bus) throw new TypeError(`no broker "${name}": there are ${Object.keys(buses).join(', ')}`);
  return bus;
}

/** What tests run on that are about any broker: RabbitMQ, or what `TEST_BUS` names. */
export const testBus: Bus = busOf(process.env['TEST_BUS'] || 'rabbitmq');
