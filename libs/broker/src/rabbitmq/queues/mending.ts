import { jittered, pause } from 'agentmq/time';
import type { BrokerFault } from '../../broker.js';
import type { Topology } from '../../topology.js';
import type { Connection } from '../connection/connection.js';
import { missingExchanges } from './declarations.js';
import type { Keeper } from '../../server/keeper.js';
import type { Remarks } from '../../server/remarks.js';

/** What can make again what it needs at the broker. */
export interface Mendable {
  /** Rejects when it can't. */
  mend(connection: Connection): Promise<void>;
}

/** Between two looks, however often one is asked for, in ms. */
const SHORTEST_REST_MS = 500;
const IMPAIRED = 'mending';

/**
 * Makes again, at run time, what readers need at the broker: exchanges and bindings that an operator removed. AMQP can't
 * ask for a binding, but making one that exists changes nothing: so all are made, now and then.
 */
export class Mending {
  private readonly stopping = new AbortController();
  private early = new AbortController();
  private failed: Pick<BrokerFault, 'reason' | 'since'> | undefined;

  constructor(
    private readonly connections: Keeper<Connection>,
    private readonly readers: () => Iterable<Mendable>,
    private readonly topology: Topology,
    private readonly intervalMs: number,
    private readonly remarks: Remarks,
  ) {}

  /** Why the last look could not make again what it found missing, and since when; undefined when it could. */
  get failure(): Pick<BrokerFault, 'reason' | 'since'> | undefined {
    return this.failed;
  }

  start(): void {
    void this.run();
  }

  /** Something is missing: looks at once. */
  soon(): void {
    this.early.abort();
  }

  stop(): void {
    this.stopping.abort();
    this.early.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await pause(SHORTEST_REST_MS, signal);
      await pause(jittered(this.intervalMs), this.early.signal);
      if (signal.aborted) return;
      this.early = new AbortController();
      const connection = this.connections.current;
      if (connection) await this.look(connection);
    }
  }

  private async look(connection: Connection): Promise<void> {
    try {
      for (const exchange of await missingExchanges(connection, this.topology))
        this.remarks.missing('exchange', exchange);
      for (const reader of this.readers()) await reader.mend(connection);
      this.failed = undefined;
      this.remarks.clear(IMPAIRED);
    } catch (error) {
      // A lost connection is told, and mended, elsewhere.
      if (this.connections.current !== connection) return;
      const reason = (error as Error).message;
      this.failed = { reason, since: this.failed?.since ?? new Date() };
      this.remarks.note(IMPAIRED, `what is read here could not be made again: ${reason}`);
    }
  }
}
