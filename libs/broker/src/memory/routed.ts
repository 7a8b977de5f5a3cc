import type { Recipient, WireMessage } from 'agentmq/contracts';

/** A message, and whom it was sent to. */
export interface Routed extends WireMessage {
  readonly recipient: Recipient;
}
