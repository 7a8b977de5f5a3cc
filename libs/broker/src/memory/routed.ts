import type { Recipient, WireMessage } from 'agentmq/protocol';

/** A message and its recipient. */
export interface Routed extends WireMessage {
  readonly recipient: Recipient;
}
