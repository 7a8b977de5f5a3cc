import { clean } from 'agentmq/database';
import type { DeliveryRef } from './delivery.js';

/** Deliveries as two parameters of a statement: their messages, and their consumers. */
export const refParameters = (deliveries: readonly DeliveryRef[]): [messageIds: string[], consumers: string[]] => [
  deliveries.map(({ messageId }) => clean(messageId)),
  deliveries.map(({ consumer }) => clean(consumer)),
];
