import type { Recipient } from 'agentmq/protocol';
import { Outgoing } from '../../server/publish-queue.js';
import type { Session } from '../connection/session.js';

export class RedisOutgoing extends Outgoing {
  constructor(
    /** Sends it; resolves with how many took it, or -1 when an inbox was full. */
    readonly send: (session: Session) => Promise<unknown>,
    readonly bytes: number,
    readonly mandatory: boolean,
    recipient: Recipient | string,
    deadline: number,
    resolve: () => void,
    reject: (error: Error) => void,
  ) {
    super(recipient, deadline, resolve, reject);
  }
}
