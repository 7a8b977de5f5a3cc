import { MessageTooLargeError } from '../../errors.js';
import type { Connection } from '../connection/connection.js';

/** Every broker takes this much. */
const SMALL_BYTES = 16 * 1024;

/** What is known of the size of bodies that the broker takes, on the connection of now. */
export class BodySizes {
  /** The broker's own limit, known once it has refused a body. */
  private limit = Infinity;
  private proven = SMALL_BYTES;
  private connection: Connection | undefined;

  /** Another connection may lead to a broker with another limit. */
  startOn(connection: Connection): void {
    if (connection === this.connection) return;
    this.connection = connection;
    this.limit = Infinity;
    this.proven = SMALL_BYTES;
  }

  /** Throws `MessageTooLargeError` when the broker is known to refuse it. */
  check(bytes: number): void {
    if (bytes > this.limit) throw new MessageTooLargeError(bytes, this.limit);
  }

  /** Whether the broker has taken a body of this size before. */
  isProven(bytes: number): boolean {
    return bytes <= this.proven;
  }

  taken(bytes: number): void {
    if (bytes > this.proven) this.proven = bytes;
  }

  /** Learns the limit when that is why the broker closed a channel; answers whether it was. */
  learn(reason: Error): boolean {
    const [, limit] =
      /message size \d+ (?:is )?larger than (?:configured )?max(?:imum)? size (\d+)/.exec(reason.message) ?? [];
    if (limit === undefined) return false;
    this.limit = Number(limit);
    return true;
  }
}
