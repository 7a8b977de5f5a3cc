import type { Recipient, WireMessage } from 'agentmq/protocol';
import type { Unsettled } from '../unsettled-publications.js';
import type { Address } from './frames/frame-writer.js';

/** A publication on its way: waiting to be sent, or sent and not confirmed. */
export class Outgoing implements Unsettled {
  /** Written to the channel that is open now. */
  sent = false;
  /** The broker said that no queue takes it. */
  returned = false;
  done = false;
  /** How many channels the broker has closed, with an error, while this was unconfirmed on them. */
  closures = 0;

  constructor(
    readonly message: WireMessage,
    readonly address: Address,
    /** For errors: the recipient, or where an answer goes. */
    readonly recipient: Recipient | string,
    readonly deadline: number,
    readonly resolve: () => void,
    readonly reject: (error: Error) => void,
  ) {}
}
