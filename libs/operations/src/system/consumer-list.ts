import type { ConsumerName, SubscriptionStore } from 'agentmq/message-store';
import type { MessageBus } from 'agentmq/messaging';
import { parseRecipient } from 'agentmq/protocol';
import { SharedRead } from 'agentmq/telemetry';
import pLimit from 'p-limit';
import { consumersOf } from '../consumers.js';
import type { Page, PageQuery } from '../views/page.js';
import type { ConsumerRow } from '../views/system.js';
import type { ConsumerFigures } from './consumer-figures.js';
import type { FactReader } from './facts.js';
import { pageOf } from '../views/page-of.js';
import type { Roster } from './roster.js';

/** Questions to the broker at once. */
const ASKED_AT_ONCE = 8;
/** From one reading of all depths to the next, at least, and how long a page waits for one. */
const EVERY_MS = 1_500;
const PATIENCE_MS = 2_000;
/** How many times as long as a reading the rest after it is. */
const REST_FACTOR = 3;
/** Each is a question to the broker. */
const MOST_ASKED = 1_000;

type Depths = ReadonlyMap<ConsumerName, number>;

/** What waits at each consumer, and which agents read it. */
export class ConsumerList {
  private readonly reading: SharedRead<Depths> | undefined;
  /** What the reading that goes on, or ended last, has found so far. */
  private found: Depths = new Map();

  /** Without a bus the depths of queues are left out, and with one those of agents past the first 1,000 consumers. */
  constructor(
    private readonly roster: Roster,
    private readonly figures: ConsumerFigures,
    private readonly facts: FactReader,
    private readonly subscriptions: SubscriptionStore,
    bus?: Pick<MessageBus, 'waiting'>,
  ) {
    const options = { everyMs: EVERY_MS, patienceMs: PATIENCE_MS, restFactor: REST_FACTOR };
    this.reading = bus && new SharedRead(() => this.askDepths(bus), options);
  }

  /** Roles, then agents, each by name. Rejects as `Database.ownQuery` does. */
  async list(query: PageQuery = {}): Promise<Page<ConsumerRow>> {
    const { present, figures, current, names } = await this.known();
    const page = pageOf(names, placeOf, query);
    // what a broker that is away, or slow, has not told is left out
    const [depths, pauses] = await Promise.all([this.reading?.get().catch(() => this.found), this.facts.pauses()]);
    const ages = new Map(figures.oldestOwed.map(({ consumer, age }) => [consumer, age]));
    const pausedAs = new Map(pauses.map((pause) => [pause.target, pause]));
    const items = page.items.map((name): ConsumerRow => {
      const of = (state: string): number =>
        figures.deliveries.find((each) => each.consumer === name && each.state === state)?.count ?? 0;
      const age = ages.get(name);
      const depth = depths?.get(name);
      const pause = pausedAs.get(name);
      return {
        name,
        agents: present.filter((agent) => agent.health !== 'dead' && consumersOf(agent).includes(name)).length,
        pending: of('pending'),
        processing: of('processing'),
        retrying: of('retrying'),
        dead: of('dead'),
        ...(age === undefined ? {} : { oldestAgeSeconds: age }),
        ...(depth === undefined ? {} : { queueDepth: depth }),
        refused: figures.refusing.find(({ target }) => target === name)?.entries ?? 0,
        subscriptions: current.flatMap(({ consumer, pattern }) =>
          consumer === name && pattern !== '' ? [pattern] : [],
        ),
        ...(pause ? { pause } : {}),
      };
    });
    return { ...page, items };
  }

  /** All consumers: those that agents read, that are owed something, or that are subscribed to something. */
  private async known() {
    const [agents, figures, subscriptions] = await Promise.all([
      this.roster.read(),
      this.figures.get(),
      this.subscriptions.list(),
    ]);
    const current = subscriptions.filter(({ endedAt }) => !endedAt);
    const present = agents.filter(({ health }) => health !== 'stopped');
    const names = new Set([
      ...present.flatMap(consumersOf),
      ...figures.deliveries.map(({ consumer }) => consumer),
      ...current.map(({ consumer }) => consumer),
    ]);
    return { present, figures, current, names: [...names] };
  }

  private async askDepths(bus: Pick<MessageBus, 'waiting'>): Promise<Depths> {
    const limit = pLimit(ASKED_AT_ONCE);
    const depths = new Map<ConsumerName, number>();
    this.found = depths;
    const { names } = await this.known();
    const { items } = pageOf(names, placeOf, { limit: MOST_ASKED });
    const asked = items.map((name) =>
      limit(async () => {
        const recipient = parseRecipient(name);
        const depth = recipient && (await bus.waiting(recipient));
        if (depth !== undefined) depths.set(name, depth);
      }),
    );
    await Promise.allSettled(asked);
    return depths;
  }
}

/** Roles, then agents, each by name. */
const placeOf = (name: ConsumerName): string => (name.startsWith('role.') ? `0 ${name}` : `1 ${name}`);
