import { InvalidMessageError } from 'agentmq/protocol';
import type {
  AlsoInTransaction,
  ConsumerName,
  ReplayBatch,
  ReplayCursor,
  ReplayOptions,
  ReplayPreview,
  ReplaySelection,
  Store,
} from 'agentmq/message-store';
import { jittered, pause } from 'agentmq/time';

export interface ReplayProgress {
  /** Deliveries that the selection held so far. */
  readonly matched: number;
  /** Of these put on their way (with `dryRun`: that would be). */
  readonly replayed: number;
  /** With `dryRun`: to which consumers, of which types, and some of the ids. */
  readonly preview?: ReplayPreview;
}

export interface ReplayRun {
  /** Deliver to this consumer instead (`role.audit`, `agent.audit-1`): it catches up on what it missed. */
  readonly to?: ConsumerName;
  /** They become that consumer's, and are not the selected one's any more. */
  readonly move?: boolean;
  /** They are discarded instead, for this reason: dead letters alone. */
  readonly discard?: string;
  /** Changes nothing, only counts. */
  readonly dryRun?: boolean;
  /** At most so many a second; as fast as the outbox allows unless given. */
  readonly rate?: number;
  /** Stop when so many were put on their way. */
  readonly atMost?: number;
  /** Aborting ends the replay with the signal's reason; what was put on its way goes its way. */
  readonly signal?: AbortSignal;
  /** Carried out in the transaction of each batch that changes something. */
  readonly also?: AlsoInTransaction;
  /** Called after every batch. */
  onProgress?(progress: ReplayProgress): void;
}

export interface ReplayerOptions {
  /** Replay leaves half of this number of outbox entries free for what is being sent. */
  readonly outboxLimit: number;
}

const BATCH = 1_000;
const COUNTED = 10_000;
/** With a rate, a batch is what is due in this time, in ms. */
const STEP_MS = 250;
const ROOM_POLL_MS = 250;

/**
 * Puts stored messages on their way again, batch after batch: whatever their number, memory stays the same, and so does
 * the room in the outbox for others. It needs no broker: the relays of running agents publish.
 */
export class Replayer {
  private readonly mostOpen: number;

  constructor(
    private readonly store: Pick<Store, 'replays' | 'outbox'>,
    { outboxLimit }: ReplayerOptions,
  ) {
    this.mostOpen = Math.max(1, Math.floor(outboxLimit / 2));
  }

  /**
   * Resolves when all that the selection holds has been put on its way, or `atMost` of it. Rejects with
   * `InvalidMessageError` for a rate that is not above 0, `StoreUnavailableError`, or the signal's reason.
   */
  async replay(selection: ReplaySelection, run: ReplayRun = {}): Promise<ReplayProgress> {
    const { to, move = false, discard, dryRun = false, rate, atMost = Infinity, also, onProgress } = run;
    const signal = run.signal ?? new AbortController().signal;
    if (rate !== undefined && !(rate > 0)) throw new InvalidMessageError('rate', `${rate} is not above 0`);
    let progress: ReplayProgress = { matched: 0, replayed: 0 };
    let after: ReplayCursor | undefined;
    let due = performance.now();
    for (;;) {
      signal.throwIfAborted();
      if (!dryRun && discard === undefined) await this.room(to ?? selection.consumer, signal);
      const limit = Math.min(batchSize(dryRun, rate), atMost - progress.replayed);
      const options = {
        dryRun,
        limit,
        move,
        ...(to ? { to } : {}),
        ...(after ? { after } : {}),
        ...(also ? { also } : {}),
      };
      const batch = await this.batch(selection, discard, options);
      progress = sumOf(progress, batch);
      onProgress?.(progress);
      after = batch.next;
      if (after === undefined || progress.replayed >= atMost) return progress;
      if (rate === undefined || dryRun) continue;
      due = Math.max(due, performance.now() - STEP_MS) + (batch.replayed / rate) * 1_000;
      await pause(due - performance.now(), signal);
    }
  }

  private batch(selection: ReplaySelection, discard: string | undefined, options: ReplayOptions): Promise<ReplayBatch> {
    const { replays } = this.store;
    return discard === undefined
      ? replays.replay(selection, options)
      : replays.discardSelected(selection, discard, options);
  }

  /** Waits until the outbox has room, and the consumer's inbox takes what waits for it, if it refused. */
  private async room(consumer: ConsumerName | undefined, signal: AbortSignal): Promise<void> {
    while (
      (await this.store.outbox.size(this.mostOpen)) >= this.mostOpen ||
      (await this.waitingFor(consumer)) >= this.mostOpen
    ) {
      await pause(jittered(ROOM_POLL_MS), signal);
      signal.throwIfAborted();
    }
  }

  private async waitingFor(consumer: ConsumerName | undefined): Promise<number> {
    if (consumer === undefined) return 0;
    const refusals = await this.store.outbox.refusals();
    return refusals.find(({ target }) => target === consumer)?.entries ?? 0;
  }
}

function batchSize(dryRun: boolean, rate: number | undefined): number {
  if (dryRun) return COUNTED;
  return rate === undefined ? BATCH : Math.max(1, Math.min(BATCH, Math.floor((rate * STEP_MS) / 1_000)));
}

/** The ids that a preview tells. */
const SAMPLE = 20;

const sumOf = (progress: ReplayProgress, batch: ReplayBatch): ReplayProgress => ({
  matched: progress.matched + batch.matched,
  replayed: progress.replayed + batch.replayed,
  ...(batch.preview ? { preview: joined(progress.preview, batch.preview) } : {}),
});

function joined(before: ReplayPreview | undefined, { counts, sample }: ReplayPreview): ReplayPreview {
  const all = new Map((before?.counts ?? []).map((each) => [JSON.stringify([each.consumer, each.type]), each]));
  for (const each of counts) {
    const key = JSON.stringify([each.consumer, each.type]);
    all.set(key, { ...each, count: each.count + (all.get(key)?.count ?? 0) });
  }
  return {
    counts: [...all.values()].sort((a, b) => b.count - a.count),
    sample: [...(before?.sample ?? []), ...sample].slice(0, SAMPLE),
  };
}
