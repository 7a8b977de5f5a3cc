import { clean, texts } from 'agentmq/database';
import type { DeliveryRef } from './delivery.js';

/** Deliveries as two parameters of a statement: their messages, and their consumers. */
export const refParameters = (deliveries: readonly DeliveryRef[]): [messageIds: Buffer, consumers: Buffer] => [
  texts(deliveries.map(({ messageId }) => clean(messageId))),
  texts(deliveries.map(({ consumer }) => clean(consumer))),
];
