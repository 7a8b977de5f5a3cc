/** What is sent and what is answered: 200 bytes as JSON. */
export interface Payload {
  readonly n: number;
  readonly text: string;
}

const BYTES = 200;

/** The payload number `n` (at most seven digits), 200 bytes long as JSON. */
export function payload(n: number): Payload {
  const bare = JSON.stringify({ n, text: '' }).length;
  return { n, text: 'x'.repeat(BYTES - bare) };
}

/** A way to get messages from one end to the other, set up and ready to be measured. */
export interface Subject {
  /** Resolves when the sender has been promised all that this way promises of sending: stored, confirmed, or nothing. */
  send(payload: Payload): Promise<void>;
  /** Resolves when the answer, the payload itself, is there. */
  request(payload: Payload): Promise<unknown>;
  /** Resolves when all that was handled is done with, where that is later than the end of the handler. */
  finish?(): Promise<void>;
  /** Throws unless all `sent` messages (since the subject was opened) ended as promised. Not part of what is timed. */
  check?(sent: number): Promise<void>;
  /** Disconnects, and removes all that was made. */
  close(): Promise<void>;
}

export interface Surroundings {
  /** Part of the names of everything that is made, so that two runs can't meet. */
  readonly namespace: string;
  /** The most messages that a consumer holds unacknowledged. */
  readonly prefetch: number;
  /** To be called for every sent message that is handled. */
  readonly handled: () => void;
}

export interface Contender {
  /** As `--only` takes it. */
  readonly id: string;
  /** As the table shows it, with what it does for a message. */
  readonly title: string;
  open(surroundings: Surroundings): Promise<Subject>;
}
