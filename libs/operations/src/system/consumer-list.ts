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

/** What waits at each consumer, and which agents read it. */
export class ConsumerList {
  private readonly depths: SharedRead<ReadonlyMap<ConsumerName, number>> | undefined;

  /** Without a bus the depths of queues are left out. */
  constructor(
    private readonly roster: Roster,
    private readonly figures: ConsumerFigures,
    private readonly facts: FactReader,
    private readonly subscriptions: SubscriptionStore,
    bus?: Pick<MessageBus, 'waiting'>,
  ) {
    this.depths = bus && new SharedRead(() => this.askDepths(bus), { everyMs: EVERY_MS, patienceMs: PATIENCE_MS });
  }

  /** Roles, then agents, each by name. Rejects as `Database.ownQuery` does. */
  async list(query: PageQuery = {}): Promise<Page<ConsumerRow>> {
    const { present, figures, current, names } = await this.known();
    const page = pageOf(names, (name) => (name.startsWith('role.') ? `0 ${name}` : `1 ${name}`), query);
    // the depths of a broker that is away, or slow, are left out
    const [depths, pauses] = await Promise.all([this.depths?.get().catch(() => undefined), this.facts.pauses()]);
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

  private async askDepths(bus: Pick<MessageBus, 'waiting'>): Promise<ReadonlyMap<ConsumerName, number>> {
    const limit = pLimit(ASKED_AT_ONCE);
    const { names } = await this.known();
    const depths = new Map<ConsumerName, number>();
    const asked = names.map((name) =>
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
