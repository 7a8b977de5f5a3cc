import type { ExplanationReason } from 'agentmq/operations';
import type { Kind } from '../../ui/basics.js';

/** How a reason is called, and how bad it is. */
export const explanationKinds: Readonly<Record<ExplanationReason, readonly [kind: Kind, title: string]>> = {
  not_found: ['idle', 'Not on record'],
  delayed: ['idle', 'Not due yet'],
  in_outbox: ['warn', 'In the outbox'],
  inbox_full: ['bad', 'The inbox is full'],
  inbox_missing: ['bad', 'There is no inbox'],
  no_recipient: ['warn', 'No recipient'],
  no_consumer: ['warn', 'No agent reads the inbox'],
  paused: ['warn', 'Paused'],
  queued: ['busy', 'Queued'],
  no_handler: ['warn', 'No handler'],
  claimed: ['busy', 'Being handled'],
  lease_expired: ['warn', 'Its agent is silent'],
  retry_due: ['warn', 'To be retried'],
  completed: ['good', 'Completed'],
  expired: ['bad', 'Expired'],
  dead: ['bad', 'Dead letter'],
  discarded: ['idle', 'Discarded'],
};
