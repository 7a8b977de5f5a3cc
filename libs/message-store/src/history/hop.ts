import type { WireError } from 'agentmq/protocol';
import type { ConsumerName } from '../deliveries/delivery.js';

/**
 * Something that happened to a message of a recorded trace. `sent`: it was handed to the broker, which confirmed it, or
 * did not. `received`: an agent made one attempt at it.
 */
export interface HopRecord {
  readonly traceId: string;
  readonly messageId: string;
  readonly side: 'sent' | 'received';
  /** The sender, or the agent that received it. */
  readonly agentId: string;
  /** Of `received`. */
  readonly consumer?: ConsumerName;
  /** 1 for the first; as deliveries count it. */
  readonly attempt: number;
  readonly beganAt: Date;
  readonly endedAt: Date;
  readonly outcome: string;
  readonly error?: Pick<WireError, 'name' | 'code'>;
  /** Only of a message that is not in the store. */
  readonly about?: HopMessage;
}

/** What a hop says of its message. */
export interface HopMessage {
  readonly kind: string;
  readonly type: string;
  readonly sender: string;
  /** As `formatRecipient` writes it. */
  readonly recipient: string;
  readonly causationId?: string;
}
