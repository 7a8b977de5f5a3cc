import type { WireMessage } from 'agentmq/protocol';
import type { Held } from '../../consuming/dispatcher.js';
import type { Deliveries } from '../../server/reader.js';
import { pause } from 'agentmq/time';
import { isReadOnly, isReply, type RedisArgument } from '../connection/client.js';
import { TAKE_TURN, TURN } from '../scripts/scripts.js';
import type { Session } from '../connection/session.js';
import type { Source } from './sources.js';

const RETRY_MS = 250;
/** How often in the time of its lease a holder is heard of. */
const BEATS = 3;

interface Stream {
  /** How many more messages it may hold. */
  credit: number;
  acknowledged: string[];
  givenBack: string[];
}

type Entry = readonly [id: Buffer, returns: number, fields: Buffer[]];

export interface ReadingOptions {
  readonly holder: string;
  readonly leaseMs: number;
  readonly isPaused: boolean;
  /** The most dead letters. */
  readonly deadLimit: number;
  /** Told of what keeps it from reading for now. */
  report(problem: Error): void;
}

/**
 * The time in which a holder reads a source, over one session: in turns, of which one is under way at most. What is
 * acknowledged and given back while one is waits for the next.
 */
export class Reading<M extends WireMessage> implements Deliveries {
  readonly gone: Promise<Error>;
  private readonly streams: Stream[];
  private readonly beat: NodeJS.Timeout;
  private end: (reason: Error) => void = () => undefined;
  private ended = false;
  private stopped: boolean;
  private turning: Promise<void> | undefined;
  private due = false;

  constructor(
    private readonly session: Session,
    private readonly source: Source<M>,
    private readonly options: ReadingOptions,
    private readonly deliver: (held: Held<M>) => void,
  ) {
    this.stopped = options.isPaused;
    this.gone = new Promise((resolve) => (this.end = resolve));
    this.streams = source.prefetch.map((credit) => ({ credit, acknowledged: [], givenBack: [] }));
    this.beat = setInterval(() => this.soon(), options.leaseMs / BEATS);
    void session.gone.then((reason) => this.lose(reason));
    this.soon();
  }

  get lost(): boolean {
    return this.ended;
  }

  get holder(): string {
    return this.options.holder;
  }

  /** Takes a turn as soon as none is under way; what is settled meanwhile goes with it. */
  soon(): void {
    this.due = true;
    this.turning ??= this.turns(true);
  }

  /** The same at once: new messages wait. */
  now(): void {
    this.due = true;
    this.turning ??= this.turns(false);
  }

  /** Takes no more messages; resolves when none is on its way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.soon();
    await this.turning;
  }

  async resume(): Promise<void> {
    if (!this.stopped) return;
    this.stopped = false;
    this.soon();
  }

  /** Says what is still to be said, and gives back what is held. */
  async close(): Promise<void> {
    clearInterval(this.beat);
    await this.stop();
    if (!this.ended) await this.turn(true).catch(() => undefined);
    this.lose(new Error('closed'));
  }

  settle(stream: Stream, id: string, accepted: boolean): void {
    if (this.ended) return;
    (accepted ? stream.acknowledged : stream.givenBack).push(id);
    stream.credit++;
    this.soon();
  }

  private lose(reason: Error): void {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.beat);
    this.end(reason);
  }

  private async turns(later: boolean): Promise<void> {
    if (later) await new Promise(setImmediate);
    while (this.due && !this.ended) {
      this.due = false;
      await this.turn(false);
    }
    // In the same step as the last look at `due`: what comes after it begins anew.
    this.turning = undefined;
  }

  private async turn(leaves: boolean): Promise<void> {
    const { queue, expiresMs } = this.source;
    const { holder, leaseMs, deadLimit } = this.options;
    const given = this.streams.map(({ acknowledged, givenBack }) => ({ acknowledged, givenBack }));
    const wanted = this.streams.map(({ credit }) => (this.stopped ? 0 : credit));
    const args: RedisArgument[] = [queue, holder, ...[leaseMs, expiresMs, deadLimit, leaves ? 1 : 0].map(String)];
    given.forEach(({ acknowledged, givenBack }, index) => {
      args.push(String(wanted[index]));
      for (const ids of [acknowledged, givenBack]) args.push(String(ids.length), ...ids);
    });
    for (const stream of this.streams) {
      stream.acknowledged = [];
      stream.givenBack = [];
    }
    try {
      const [outcome, ...entries] = (await this.session.runForBytes(TAKE_TURN, args)) as [number, ...Entry[][]];
      if (outcome === TURN.lost) return this.lose(new Error(`${queue}: what ${holder} held was taken from it`));
      if (outcome === TURN.missing) return this.lose(new Error(`${queue}: the inbox or its bindings are missing`));
      if (!this.ended) this.take(entries);
    } catch (error) {
      this.streams.forEach((stream, index) => {
        stream.acknowledged.unshift(...(given[index]?.acknowledged ?? []));
        stream.givenBack.unshift(...(given[index]?.givenBack ?? []));
      });
      await this.failed(error as Error);
    }
  }

  private take(entries: readonly Entry[][]): void {
    entries.forEach((taken, index) => {
      const stream = this.streams[index];
      if (!stream) return;
      stream.credit -= taken.length;
      for (const [id, returns, fields] of taken) {
        const message = this.source.read(fields, returns > 0);
        this.deliver(new Delivery(message, returns, this, stream, id.toString()));
      }
    });
  }

  private async failed(error: Error): Promise<void> {
    if (this.ended) return;
    if (!isReply(error) || isReadOnly(error)) return this.session.lose(error);
    if (error.message.startsWith('WRONGTYPE')) return this.lose(error);
    this.options.report(error);
    this.due = true;
    await pause(RETRY_MS, this.gone);
  }
}

class Delivery<M extends WireMessage> implements Held<M> {
  constructor(
    readonly message: M,
    readonly returns: number,
    private readonly reading: Reading<M>,
    private readonly stream: Stream,
    private readonly id: string,
  ) {}

  get stale(): boolean {
    return this.reading.lost;
  }

  accept(): void {
    this.reading.settle(this.stream, this.id, true);
  }

  giveBack(): void {
    this.reading.settle(this.stream, this.id, false);
  }
}
