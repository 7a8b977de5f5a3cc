import type { Broker } from 'agentmq/broker';

export interface ConnectOptions {
  readonly maxQueueSize?: number;
}

/** A broker object whose connection a test can break. */
export interface Fragile {
  readonly broker: Broker;
  /** Ends as if its process died: nothing is drained, and it never comes back. */
  die(): Promise<void>;
  /** Loses its connections, and gets them back by itself. */
  blip(): void;
}

/** A server of the test's own. */
export interface RestartableServer {
  connect(): Promise<Broker>;
  /** Resolves when it is up again, with the data it had. */
  restart(): Promise<void>;
  /** Resolves when it is up again, without any data. */
  wipe(): Promise<void>;
}

/** How the suite gets at an adapter. What it hands out is closed and removed by `cleanUp`. */
export interface BrokerHarness {
  /** A started broker. Brokers of the same options reach each other. */
  connect(options?: ConnectOptions): Promise<Broker>;
  connectFragile(): Promise<Fragile>;
  restartable(): Promise<RestartableServer>;
  cleanUp(): Promise<void>;
  stop(): Promise<void>;
}
