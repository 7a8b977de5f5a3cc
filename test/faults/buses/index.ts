import type { Bus, BusName } from '../bus.js';
import { rabbitMq } from './rabbitmq.js';
import { redis } from './redis.js';

export const buses: Readonly<Record<BusName, Bus>> = { rabbitmq: rabbitMq, redis };
