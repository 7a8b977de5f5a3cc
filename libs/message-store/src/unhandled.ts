import type { Database } from 'agentmq/database';
import { CUT_OFF, toJson } from './delivery-error.js';
import type {
  AwaitedHandler,
  ConsumerName,
  DeliveryRef,
  DeliveryState,
  HandlerSought,
  UnhandledDelivery,
  UnhandledOptions,
  UnhandledResult,
} from './message-store.js';
import { refParameters } from './ref-parameters.js';
import type { Statements } from './sql/index.js';
import { clean, cleanOptional } from 'agentmq/database';

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
export class UnhandledDeliveries {
  constructor(
    private readonly database: Database,
    private readonly sql: Statements,
  ) {}

  async decide(deliveries: readonly UnhandledDelivery[], options: UnhandledOptions): Promise<UnhandledResult[]> {
    if (deliveries.length === 0) return [];
    const rows = await this.database.query<UnhandledRow>(this.sql.unhandled, [
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

  async elsewhere(
    sought: readonly HandlerSought[],
    { agentId, liveMs }: Omit<UnhandledOptions, 'graceMs'>,
  ): Promise<(string | undefined)[]> {
    if (sought.length === 0) return [];
    const rows = await this.database.query<{ agent: string | null }>(this.sql.elsewhere, [
      sought.map(({ type }) => clean(type)),
      sought.map(({ version }) => version),
      sought.map(({ topic }) => cleanOptional(topic)),
      sought.map(({ consumer }) => clean(consumer)),
      liveMs,
      clean(agentId),
    ]);
    return rows.map(({ agent }) => agent ?? undefined);
  }

  async rouse(consumers: readonly ConsumerName[], liveMs: number, limit: number): Promise<number> {
    const parameters = [liveMs, limit, consumers.map(clean)];
    const [row] = await this.database.query<{ roused: number }>(this.sql.rouse, parameters);
    return row?.roused ?? 0;
  }

  async waiting(consumers: readonly ConsumerName[]): Promise<AwaitedHandler[]> {
    return this.database.query<AwaitedHandler>(this.sql.waitingForHandler, [consumers.map(clean)]);
  }

  async disown(deliveries: readonly DeliveryRef[]): Promise<void> {
    if (deliveries.length > 0) await this.database.query(this.sql.disown, refParameters(deliveries));
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
