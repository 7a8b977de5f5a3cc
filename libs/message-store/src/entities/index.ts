import { AgentEntity } from './agent.entity.js';
import { DeliveryEntity } from './delivery.entity.js';
import { MessageEntity } from './message.entity.js';
import { OutboxEntity } from './outbox.entity.js';
import { SubscriptionEntity } from './subscription.entity.js';

export { AgentEntity, DeliveryEntity, MessageEntity, OutboxEntity, SubscriptionEntity };

/** For a DataSource whose `schema` is the namespace's, and whose `synchronize` is off. */
export const entities = [MessageEntity, OutboxEntity, DeliveryEntity, SubscriptionEntity, AgentEntity];
