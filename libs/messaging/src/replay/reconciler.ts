import { Logger } from '@nestjs/common';
import type { Broker, Inbox } from 'agentmq/broker';
import { formatRecipient } from 'agentmq/protocol';
import type { AgentStore, ConsumerName, ReplaySelection } from 'agentmq/message-store';
import { RepeatedLog } from 'agentmq/telemetry';
import { backoff, jittered, Rest } from 'agentmq/time';
import type { Replayer } from './replayer.js';

export interface ReconcilerOptions {
  readonly owner: Inbox['owner'];
  /** How often it compares, in ms. */
  readonly intervalMs: number;
  /** The most messages that one process of this consumer has fetched ahead. */
  readonly prefetch: number;
  /** Called when so many were put on their way. */
  readonly onReplayed: (count: number) => void;
}

/** Younger than this, a message may still be between the store and the queue, in ms. */
const LEAST_QUIET_MS = 1_000;
/** A long backlog takes long to compare: it is done less often. */
const IDLE_FACTOR = 20;
/** A part of a queue that is lost is found again in portions of this. */
const PORTION = 10_000;

/**
 * Replays what the broker lost of one consumer's messages: all at once when its inbox had to be declared anew (the
 * broker was wiped, the queue deleted), and what the store has open but the broker does not hold (a queue was purged),
 * compared at the start and now and then. What is put on its way needlessly is dropped by the receiver's claim.
 */
export class Reconciler {
  private readonly logger = new Logger('Reconciler');
  private readonly log = new RepeatedLog(this.logger);
  private readonly stopping = new AbortController();
  private readonly rest = new Rest();
  private readonly consumer: ConsumerName;
  private running: Promise<void> | undefined;
  private inboxIsNew = false;

  constructor(
    private readonly broker: Broker,
    private readonly agents: AgentStore,
    private readonly replayer: Replayer,
    private readonly options: ReconcilerOptions,
  ) {
    this.consumer = formatRecipient(options.owner);
  }

  start(): void {
    this.running ??= this.run();
  }

  /** The broker had no such inbox, and has an empty one now. */
  readonly inboxCreated = (): void => {
    this.inboxIsNew = true;
    this.rest.wake();
  };

  async stop(): Promise<void> {
    this.stopping.abort();
    this.rest.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      const all = this.inboxIsNew;
      this.inboxIsNew = false;
      try {
        const begun = performance.now();
        await (all ? this.replay({}) : this.compare());
        failures = 0;
        await this.rest.sleep(Math.max(jittered(this.options.intervalMs), IDLE_FACTOR * (performance.now() - begun)));
      } catch (error) {
        this.inboxIsNew ||= all;
        if (signal.aborted) return;
        this.log.warn(this.consumer, error);
        await this.rest.sleep(all ? backoff(failures++) : jittered(this.options.intervalMs));
      }
    }
  }

  private async compare(): Promise<void> {
    const { owner, intervalMs } = this.options;
    const queued = await this.broker.inboxSize(owner).catch(() => undefined);
    if (queued === undefined) return;
    const quietMs = Math.max(intervalMs, LEAST_QUIET_MS);
    if (queued === 0) {
      // Mostly nothing is lost, and a count asks the store once.
      if ((await this.count({ quietMs }, 1)) > 0) await this.replay({ quietMs });
      return;
    }
    const held = queued + (await this.fetchedAhead());
    const excess = (await this.count({ quietMs }, held + PORTION)) - held;
    if (excess > 0) await this.replay({ quietMs }, excess);
  }

  /** What consumers may have taken out of the queue and not claimed yet, at most. */
  private async fetchedAhead(): Promise<number> {
    const { owner, prefetch } = this.options;
    if (owner.kind === 'agent') return prefetch;
    const { agents } = await this.agents.read();
    const instances = agents.filter(({ roles, stopped }) => roles.includes(owner.name) && !stopped);
    return prefetch * Math.max(1, instances.length);
  }

  private async count(selection: ReplaySelection, atMost: number): Promise<number> {
    const { signal } = this.stopping;
    const run = { dryRun: true, atMost, signal };
    return (await this.replayer.replay({ ...selection, consumer: this.consumer }, run)).replayed;
  }

  private async replay(selection: ReplaySelection, atMost = Infinity): Promise<void> {
    const { signal } = this.stopping;
    let told = 0;
    const onProgress = ({ replayed }: { readonly replayed: number }): void => {
      if (replayed > told) this.options.onReplayed(replayed - told);
      told = replayed;
    };
    try {
      await this.replayer.replay({ ...selection, consumer: this.consumer }, { signal, atMost, onProgress });
    } finally {
      if (told > 0)
        this.logger.warn(`${this.consumer}: replayed ${told} messages that the broker did not hold any more`);
    }
  }
}
