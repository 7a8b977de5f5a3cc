import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Store } from 'agentmq/message-store';
import { RepeatedLog, SharedRead } from 'agentmq/telemetry';
import { pause } from 'agentmq/time';
import { Observable, Subject } from 'rxjs';
import { TooManyWatchersError } from '../errors.js';
import type { ReplayJobs } from '../replay/replay-jobs.js';
import type { Flow, Overview, OverviewPoint } from '../views/system.js';
import { ActivityReader } from './activity.js';
import { type ChangedList, changesBetween, type Prints, printsOf } from './changes.js';
import type { ConsumerFigures } from './consumer-figures.js';
import { Drain } from './drain.js';
import type { FactReader } from './facts.js';
import { flowOf } from './flow.js';
import { overviewOf } from './overview.js';
import type { Roster } from './roster.js';

export type LiveEvent =
  | { readonly type: 'overview'; readonly data: Overview }
  | { readonly type: 'flow'; readonly data: Flow }
  | { readonly type: 'changed'; readonly data: { readonly what: readonly ChangedList[] } };

/** From one sample to the next, in ms. */
const EVERY_MS = 10_000;
const WATCHED_EVERY_MS = 2_000;
/** An answer is this old at most, in ms, unless reading takes long. */
const FRESH_MS = 1_000;
const PATIENCE_MS = 10_000;
/** What a sample reads is bounded: once it was slow it is not to be old for long. */
const REST_FACTOR = 3;
/** In ms. With this, the page has an overview within the 15 s that it waits for one, unless a sample takes longer than 5 s. */
const LONGEST_REST_MS = 8_000;
/** What rates are of, in s. */
const PACE_SECONDS = 10;
const FLOW_SECONDS = 30;
/** The responses of all watchers have ended by then. */
const ENDING_MS = 50;
/** An hour. */
const MOST_POINTS = 360;
const MOST_WATCHERS = 200;

/**
 * What the namespace does now: sampled every 10 s, every 2 s while it is watched, by one reader for all. What it reads costs
 * the same whatever the history; when reading takes long, it is done less often.
 */
export class LiveView implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new RepeatedLog(new Logger('LiveView'));
  private readonly activity: ActivityReader;
  private readonly drain = new Drain();
  private readonly events = new Subject<LiveEvent>();
  private readonly samples = new SharedRead(() => this.sample(), {
    everyMs: FRESH_MS,
    patienceMs: PATIENCE_MS,
    restFactor: REST_FACTOR,
    longestRestMs: LONGEST_REST_MS,
  });
  private history: readonly OverviewPoint[] = [];
  private prints: Prints | undefined;
  private watchers = 0;
  private isStopping = false;
  /** Ends the pause between two samples. */
  private wake = new AbortController();

  constructor(
    store: Pick<Store, 'database'>,
    private readonly roster: Roster,
    private readonly figures: ConsumerFigures,
    private readonly facts: FactReader,
    private readonly namespace: string,
    /** Of this process; without them nothing is told of replays. */
    private readonly replays?: Pick<ReplayJobs, 'list'>,
  ) {
    this.activity = new ActivityReader(store.database);
  }

  /** Rejects as `Database.ownQuery` does. */
  async overview(): Promise<Overview> {
    return (await this.samples.get()).overview;
  }

  /** Rejects as `Database.ownQuery` does. */
  async flow(): Promise<Flow> {
    return (await this.samples.get()).flow;
  }

  /**
   * How it is now, and what happens from then on; completes when the app stops. Throws {@link TooManyWatchersError} when as many
   * watch as may.
   */
  watch(): Observable<LiveEvent> {
    if (this.watchers >= MOST_WATCHERS) throw new TooManyWatchersError(MOST_WATCHERS);
    return new Observable((subscriber) => {
      const first = this.samples.get().then(
        ({ overview, flow }) => {
          subscriber.next({ type: 'overview', data: overview });
          subscriber.next({ type: 'flow', data: flow });
        },
        (error: unknown) => this.log.warn('overview', error),
      );
      void first.then(() => subscriber.add(this.events.subscribe(subscriber)));
      this.watchers++;
      subscriber.add(() => this.watchers--);
      this.wake.abort();
    });
  }

  onApplicationBootstrap(): void {
    void this.run();
  }

  /** A connection that watches must not hold up the end of the HTTP server, which waits for each that is not idle when it closes. */
  async onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    const isWatched = this.watchers > 0;
    this.events.complete();
    this.wake.abort();
    if (isWatched) await pause(ENDING_MS);
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      this.wake = new AbortController();
      await pause(this.watchers > 0 ? WATCHED_EVERY_MS : EVERY_MS, this.wake.signal);
      if (this.isStopping) return;
      await this.samples.get().catch((error: unknown) => {
        if (!this.isStopping) this.log.warn('overview', error);
      });
    }
  }

  private async sample(): Promise<{ readonly overview: Overview; readonly flow: Flow }> {
    const [activity, facts, figures, agents, conditions, leaderships, pauses] = await Promise.all([
      this.activity.read(PACE_SECONDS, FLOW_SECONDS),
      this.facts.read(),
      this.figures.get(),
      this.roster.read(),
      this.facts.conditions(),
      this.facts.leaderships(),
      this.facts.pauses(),
    ]);
    const open = figures.deliveries.reduce((sum, { state, count }) => sum + (state === 'dead' ? 0 : count), 0);
    const drained = this.drain.settledPerSecond(open, figures.readAt, activity.owed / activity.paceSeconds);
    const sample = { activity, facts, figures, agents, conditions, leaderships, pauses, drained };
    const now = overviewOf(sample, this.namespace);
    const points = this.note(now);
    const overview = { ...now, history: this.history };
    const flow = flowOf(activity, figures, agents, pauses);
    this.events.next({ type: 'overview', data: { ...now, history: points } });
    this.events.next({ type: 'flow', data: flow });
    this.tell(printsOf(sample, this.replays?.list()));
    return { overview, flow };
  }

  /** Adds what is new to the history: a point each 10 s, however often it is sampled. */
  private note({ at, rates, backlog, deadLetters, latency }: Omit<Overview, 'history'>): readonly OverviewPoint[] {
    const last = this.history.at(-1);
    // a timer may be early
    if (last && at.getTime() - last.at.getTime() < EVERY_MS - WATCHED_EVERY_MS / 2) return [];
    const point = { at, ...rates, backlog, deadLetters, ...latency };
    this.history = [...this.history, point].slice(-MOST_POINTS);
    return [point];
  }

  private tell(prints: Prints): void {
    const what = this.prints ? changesBetween(this.prints, prints) : [];
    this.prints = prints;
    if (what.length > 0) this.events.next({ type: 'changed', data: { what } });
  }
}
