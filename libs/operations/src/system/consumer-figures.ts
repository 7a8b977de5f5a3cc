import type { HistoryStore, StoreFigures } from 'agentmq/message-store';
import { SharedRead } from 'agentmq/telemetry';

const EVERY_MS = 1_500;
const PATIENCE_MS = 10_000;

/** What waits at all consumers, and is dead there. Read anew after 1.5 s at the soonest: later, when reading takes long. */
export class ConsumerFigures extends SharedRead<StoreFigures & { /** Monotonic, in ms. */ readonly readAt: number }> {
  constructor(history: HistoryStore) {
    const read = async () => ({ ...(await history.figures([], true)), readAt: performance.now() });
    super(read, { everyMs: EVERY_MS, patienceMs: PATIENCE_MS });
  }
}
