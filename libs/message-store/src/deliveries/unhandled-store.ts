import { clean, cleanOptional, type Database } from 'agentmq/database';
import { checkLimit } from '../checks.js';
import type { Statements } from '../sql/index.js';
import { CUT_OFF, toJson } from './delivery-error.js';
import type { ConsumerName, DeliveryRef, DeliveryState } from './delivery.js';
import { refParameters } from './ref-parameters.js';
import type {
  AwaitedHandler,
  HandlerSought,
  UnhandledDelivery,
  UnhandledOptions,
  UnhandledResult,
} from './unhandled.js';

interface UnhandledRow {
  readonly known: boolean;
  /** Published to a topic that the consumer is not subscribed to, and owed to it by no delivery. */
  readonly stray: boolean;
  readonly before: DeliveryState | 'waiting' | null;
  readonly after: 'pending' | 'retrying' | 'dead' | null;
  readonly agent: string | null;
}

/** How long a delivery that was forwarded is not taken for lost, at first, in ms. */
const FORWARDED_MS = 30_000;

/** What becomes of messages that an instance has no handler for. */
export class UnhandledStore {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  /** Decides what becomes of messages that an instance has no handler for. Answers in the order asked. */
  async decide(deliveries: readonly UnhandledDelivery[], options: UnhandledOptions): Promise<UnhandledResult[]> {
    if (deliveries.length === 0) return [];
    const rows = await this.database.ownQuery<UnhandledRow>(this.sql.unhandled, [
      ...refParameters(deliveries),
      deliveries.map(({ topic }) => cleanOptional(topic)),
      deliveries.map(({ error }) => toJson(error)),
      deliveries.map(({ forwarded }) => forwarded),
      clean(options.agentId),
      options.liveMs,
      options.graceMs,
      FORWARDED_MS,
      CUT_OFF,
    ]);
    return rows.map(resultOf);
  }

  /** Of what is not stored: another live agent that handles it, if there is one. Answers in the order asked. */
  async elsewhere(
    sought: readonly HandlerSought[],
    { agentId, liveMs }: Omit<UnhandledOptions, 'graceMs'>,
  ): Promise<(string | undefined)[]> {
    if (sought.length === 0) return [];
    const rows = await this.database.ownQuery<{ agent: string | null }>(this.sql.elsewhere, [
      sought.map(({ type }) => clean(type)),
      sought.map(({ version }) => version),
      sought.map(({ topic }) => cleanOptional(topic)),
      sought.map(({ consumer }) => clean(consumer)),
      liveMs,
      clean(agentId),
    ]);
    return rows.map(({ agent }) => agent ?? undefined);
  }

  /**
   * Makes due at once what waits at these consumers for a handler that a live agent has by now, and what was forwarded to
   * an agent that is gone; at most `limit`. Resolves with how many.
   */
  async rouse(consumers: readonly ConsumerName[], liveMs: number, limit: number): Promise<number> {
    const parameters = [liveMs, checkLimit(limit), consumers.map(clean)];
    const [row] = await this.database.ownQuery<{ roused: number }>(this.sql.rouse, parameters);
    return row?.roused ?? 0;
  }

  /** What waits for a handler at these consumers, by contract; at most 100 of them, those with the most messages first. */
  async waiting(consumers: readonly ConsumerName[]): Promise<AwaitedHandler[]> {
    return this.database.ownQuery<AwaitedHandler>(this.sql.waitingForHandler, [consumers.map(clean)]);
  }

  /** Broadcasts that the consumer turned out not to handle: it is not owed them. What is claimed or settled stays. */
  async disown(deliveries: readonly DeliveryRef[]): Promise<void> {
    if (deliveries.length > 0) await this.database.ownQuery(this.sql.disown, refParameters(deliveries));
  }
}

function resultOf({ known, stray, before, after, agent }: UnhandledRow): UnhandledResult {
  if (!known) return { outcome: 'unknown' };
  if (stray) return { outcome: 'stray' };
  if (before === 'completed' || before === 'dead' || before === 'expired') return { outcome: 'settled', now: false };
  if (before === 'waiting') return { outcome: 'waiting', now: false };
  if (after === 'dead') return { outcome: 'settled', now: true };
  if (after === 'retrying') return { outcome: 'waiting', now: true };
  return agent === null ? { outcome: 'busy' } : { outcome: 'forward', agentId: agent };
}
