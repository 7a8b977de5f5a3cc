import type { DeliveryRef } from './message-store.js';
import { clean } from 'agentmq/database';

/** Deliveries as two parameters of a statement: their messages, and their consumers. */
export const refParameters = (deliveries: readonly DeliveryRef[]): [messageIds: string[], consumers: string[]] => [
  deliveries.map(({ messageId }) => clean(messageId)),
  deliveries.map(({ consumer }) => clean(consumer)),
];
