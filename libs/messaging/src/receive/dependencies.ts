import type { Broker } from 'agentmq/broker';
import type { Store } from 'agentmq/message-store';
import type { MessageBusOptions } from '../bus-options.js';
import type { MessageMetrics } from '../message-metrics.js';
import type { MessageSealing } from '../sealing/message-sealing.js';
import type { Tracing } from '../tracing/tracing.js';

/** What all that one agent receives by is made of. */
export interface ReceivingDependencies {
  readonly broker: Broker;
  readonly store: Store;
  readonly metrics: MessageMetrics;
  readonly options: MessageBusOptions;
  /** The time by which messages expire. */
  readonly now: () => Date;
  readonly sealing: MessageSealing;
  readonly tracing: Tracing;
  /** Called when outbox entries were added by another part than the outbox. */
  readonly wakeRelay: () => void;
}

/** Logs what went wrong beside a message's own outcome. */
export type Report = (what: string, error: unknown) => void;
