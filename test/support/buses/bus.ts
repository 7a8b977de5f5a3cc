export type BusName = 'rabbitmq' | 'redis';

/** A server of a test's own: what may be done to it. */
export interface OwnBroker {
  readonly url: string;
  /** Where it keeps its data. */
  readonly dataFolder: string;
  restart(): Promise<void>;
  /** Stops it as an operator would; its data stays. */
  down(): Promise<void>;
  /** SIGKILL; its data stays. */
  kill(): Promise<void>;
  /** SIGKILL; its data goes. */
  wipe(): Promise<void>;
  /** Starts it again; resolves when it accepts connections. */
  up(): Promise<void>;
  /** From now on it has too little memory to take another message. */
  exhaustMemory(): Promise<void>;
  relieveMemory(): Promise<void>;
  stop(): Promise<void>;
}

/** A consumer's inbox, as a test looks at it past the code under test. */
export interface InboxAt {
  /** Where the broker is; several nodes of a cluster with commas between them. */
  readonly url: string;
  readonly namespace: string;
  /** `role.counter` */
  readonly consumer: string;
}

/** What a test needs to know of a kind of broker that it does not name, and does to it as an operator would. */
export interface Bus {
  readonly name: BusName;
  /** Where the one is that tests share. */
  sharedUrl(): string;
  /** Starts a server to do anything to; one that has such a limit refuses larger messages. */
  start(limits?: { readonly maxMessageBytes?: number }): Promise<OwnBroker>;
  /** What makes an agent use the broker there; `quick`: dead connections are found as soon as can be. */
  environment(url: string, quick?: boolean): Record<string, string>;
  /** Messages that wait in an inbox; 0 when there is none. */
  waiting(inbox: InboxAt): Promise<number>;
  /** Takes out what waits in an inbox, or removes the inbox; resolves with how many messages that cost. */
  lose(inbox: InboxAt, how: 'purge' | 'delete'): Promise<number>;
  /** Puts something else in the place of an inbox that is read: it can't be read any more. Resolves with how to take that away. */
  occupy(inbox: InboxAt): Promise<() => Promise<void>>;
  /** Where exchanges lead to inboxes: removes them, so that they can't be made again. Resolves with how to let them be made. */
  unbind?(inbox: InboxAt): Promise<() => Promise<void>>;
  /** Removes all that a namespace with these consumers has left there. */
  clear(url: string, namespace: string, consumers: readonly string[]): Promise<void>;
}
