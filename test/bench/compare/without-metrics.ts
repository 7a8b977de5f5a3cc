import { Counter, Gauge, Histogram } from 'prom-client';

/** By which the bench knows that all is done with. */
const KEPT = 'agentmq_messages_received_total';

/** As prom-client has them, for each metric that is made. */
interface Counting {
  readonly name: string;
  incWithoutExemplar(...args: unknown[]): void;
  observeWithoutExemplar(...args: unknown[]): void;
}

/** From here on, counting in metrics costs this process nothing, and they stay at 0, but the one that the bench reads. */
export function withoutMetrics(): void {
  const counter = Counter.prototype as unknown as Counting;
  const { incWithoutExemplar } = counter;
  counter.incWithoutExemplar = function (this: Counting, ...args) {
    if (this.name === KEPT) incWithoutExemplar.apply(this, args);
  };
  (Histogram.prototype as unknown as Counting).observeWithoutExemplar = () => undefined;
  for (const change of ['inc', 'dec', 'set'] as const) Gauge.prototype[change] = () => undefined;
}
