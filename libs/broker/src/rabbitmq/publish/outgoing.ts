import type { Recipient, WireMessage } from 'agentmq/protocol';
import { Outgoing } from '../../server/publish-queue.js';
import type { Address } from '../frames/frame-writer.js';

export class RabbitMqOutgoing extends Outgoing {
  /** The broker said that no queue takes it. */
  returned = false;
  /** How many channels the broker has closed, with an error, while this was unconfirmed on them. */
  closures = 0;

  constructor(
    readonly message: WireMessage,
    readonly address: Address,
    recipient: Recipient | string,
    deadline: number,
    resolve: () => void,
    reject: (error: Error) => void,
  ) {
    super(recipient, deadline, resolve, reject);
  }
}
