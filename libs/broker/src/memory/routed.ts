import type { Recipient, WireMessage } from 'agentmq/protocol';

/** A message, and whom it was sent to. */
export interface Routed extends WireMessage {
  readonly recipient: Recipient;
}
