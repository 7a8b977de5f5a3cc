import type { Options } from 'amqplib';
import { type Recipient, type WireMessage } from 'agentmq/protocol';
import { toAmqp } from './properties.js';

/** Where a publication goes, and how. */
export interface Route {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  readonly persistent: boolean;
  /** For errors. */
  readonly recipient: Recipient | string;
}

let lastId = 0;

/** A publication on its way: waiting to be sent, or sent and not confirmed. */
export class Outgoing {
  /** Set for mandatory ones: the broker names it when it returns them. */
  readonly id: number | undefined;
  readonly options: Options.Publish;
  readonly body: Buffer;
  /** Written to the channel that is open now. */
  sent = false;
  /** The broker said that no queue takes it. */
  returned = false;
  /** Resolved, rejected or withdrawn. */
  done = false;
  /** How many channels the broker has closed, with an error, while this was unconfirmed on them. */
  closures = 0;

  constructor(
    message: WireMessage,
    readonly route: Route,
    /** Milliseconds since the epoch; when to give it up. */
    readonly deadline: number,
    readonly resolve: () => void,
    readonly reject: (error: Error) => void,
  ) {
    this.id = route.mandatory ? ++lastId : undefined;
    this.options = toAmqp(message.properties, this.id);
    this.options.mandatory = route.mandatory;
    this.options.persistent = route.persistent;
    this.body = message.body;
  }
}
