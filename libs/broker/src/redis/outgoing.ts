import type { Recipient } from 'agentmq/protocol';
import type { Session } from './session.js';

/** A publication or an answer on its way: waiting to be sent, or sent and not confirmed. */
export class Outgoing {
  /** Written to a session that is not lost. */
  sent = false;
  /** Resolved, rejected or withdrawn. */
  done = false;

  constructor(
    /** Sends it; resolves with how many took it, or -1 when an inbox was full. */
    readonly send: (session: Session) => Promise<unknown>,
    readonly bytes: number,
    readonly mandatory: boolean,
    /** For errors. */
    readonly recipient: Recipient | string,
    /** Milliseconds since the epoch; when to give it up. */
    readonly deadline: number,
    readonly resolve: () => void,
    readonly reject: (error: Error) => void,
  ) {}
}
