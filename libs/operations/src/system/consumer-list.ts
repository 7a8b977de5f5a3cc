import { clean, type Database } from 'agentmq/database';
import type { ConsumerName, SubscriptionStore } from 'agentmq/message-store';
import type { MessageBus } from 'agentmq/messaging';
import { parseRecipient } from 'agentmq/protocol';
import { within } from 'agentmq/time';
import pLimit from 'p-limit';
import { consumersOf } from '../consumers.js';
import type { Page, PageQuery } from '../views/page.js';
import type { ConsumerRow } from '../views/system.js';
import type { ConsumerFigures } from './consumer-figures.js';
import type { FactReader } from './facts.js';
import { pageOf } from '../views/page-of.js';
import type { Roster } from './roster.js';

/** Questions to the broker at once, and how long it may take to answer all of a page, in ms. */
const ASKED_AT_ONCE = 8;
const ANSWERED_WITHIN_MS = 2_000;

/** What waits at each consumer, and which agents read it. */
export class ConsumerList {
  private readonly oldest: string;

  /** Without a bus the depths of queues are left out. */
  constructor(
    private readonly roster: Roster,
    private readonly figures: ConsumerFigures,
    private readonly facts: FactReader,
    private readonly subscriptions: SubscriptionStore,
    private readonly database: Database,
    private readonly bus?: Pick<MessageBus, 'waiting'>,
  ) {
    this.oldest = oldest(database.schema);
  }

  /** Roles, then agents, each by name. Rejects as `Database.ownQuery` does. */
  async list(query: PageQuery = {}): Promise<Page<ConsumerRow>> {
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
    const page = pageOf([...names], (name) => (name.startsWith('role.') ? `0 ${name}` : `1 ${name}`), query);
    const [ages, depths, pauses] = await Promise.all([
      this.ages(page.items),
      this.depths(page.items),
      this.facts.pauses(),
    ]);
    const pausedAs = new Map(pauses.map((pause) => [pause.target, pause]));
    const items = page.items.map((name): ConsumerRow => {
      const of = (state: string): number =>
        figures.deliveries.find((each) => each.consumer === name && each.state === state)?.count ?? 0;
      const age = ages.get(name);
      const depth = depths.get(name);
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

  private async ages(names: readonly ConsumerName[]): Promise<Map<ConsumerName, number>> {
    const rows = await this.database.ownQuery<{ name: string; age: number }>(this.oldest, [names.map(clean)]);
    return new Map(rows.map(({ name, age }) => [name, age]));
  }

  private async depths(names: readonly ConsumerName[]): Promise<Map<ConsumerName, number>> {
    const { bus } = this;
    const depths = new Map<ConsumerName, number>();
    if (!bus) return depths;
    const limit = pLimit(ASKED_AT_ONCE);
    const asked = names.map((name) =>
      limit(async () => {
        const recipient = parseRecipient(name);
        const depth = recipient && (await bus.waiting(recipient));
        if (depth !== undefined) depths.set(name, depth);
      }),
    );
    // the depths of a broker that is away are left out
    await within(ANSWERED_WITHIN_MS, Promise.allSettled(asked));
    limit.clearQueue();
    return new Map(depths);
  }
}

/** How long the oldest of what each consumer is owed has waited. */
const oldest = (schema: string): string => `
SELECT c.name, extract(epoch FROM statement_timestamp() - min(greatest(m.stored_at, m.deliver_at)))::float8 AS age
FROM unnest($1::text[]) AS c (name)
CROSS JOIN (VALUES ('pending'), ('processing'), ('retrying')) AS s (state)
CROSS JOIN LATERAL (
  SELECT d.message_id FROM "${schema}".deliveries d
  WHERE d.consumer = c.name AND d.state = s.state AND d.state <> 'completed'
  ORDER BY d.stored_at, d.message_id LIMIT 1
) AS first
JOIN "${schema}".messages m USING (message_id)
WHERE greatest(m.stored_at, m.deliver_at) <= statement_timestamp()
GROUP BY c.name`;
