/** What is sent and what is answered: 200 bytes as JSON. */
export interface Payload {
  readonly n: number;
  readonly text: string;
}

const BYTES = 200;

/** The payload number `n` (at most seven digits), 200 bytes long as JSON. Its text begins with a number, if one is given. */
export function payload(n: number, number?: number): Payload {
  const bare = JSON.stringify({ n, text: '' }).length;
  return { n, text: `${number ?? ''} `.padEnd(BYTES - bare, 'x') };
}

/** The receiving end, ready to be measured. */
export interface Receiving {
  /** Resolves when all that was handled is done with, where that is later than the end of the handler. */
  finish?(): Promise<void>;
  /** Throws unless all `sent` messages ended as promised. Not part of what is timed. */
  check?(sent: number): Promise<void>;
  /** Disconnects, and removes all that was made. The sending end is closed by then. */
  close(): Promise<void>;
}

/** The sending end, ready to be measured. */
export interface Sending {
  /** Resolves when the sender has been promised all that this way promises of sending: stored, confirmed, or nothing. */
  send(payload: Payload): Promise<unknown>;
  /** Resolves when the answer, the payload itself, is there. Not all ways have answers. */
  request?(payload: Payload): Promise<unknown>;
  close(): Promise<void>;
}

export interface Surroundings {
  /** Part of the names of everything that is made, so that two runs can't meet. */
  readonly namespace: string;
  readonly servers: { readonly amqp: string; readonly database: string; readonly redis: string };
  /** The most messages that the receiver holds unacknowledged. */
  readonly prefetch: number;
  /** Handlers that run at once. */
  readonly concurrency: number;
  /** What the handler does with every message that was sent. */
  readonly handled: (payload: Payload) => void | Promise<void>;
}

/** Both ends of a way to get messages from one to the other. The receiving end is opened first. */
export interface Ends {
  receive(surroundings: Surroundings): Promise<Receiving>;
  send(surroundings: Surroundings): Promise<Sending>;
}

/** Such a way, described. Its code is loaded only by the processes that have its ends. */
export interface Contender {
  /** As `--only` takes it. */
  readonly id: string;
  readonly title: string;
  /** What it does for a message before the sender and the receiver are done with it. */
  readonly promise: string;
  /** How it was set up for this, where that makes a difference. */
  readonly configured?: string;
  /** Whether it is one of the packages that only the bench installs. */
  readonly isPeer?: true;
  ends(): Promise<Ends>;
}
