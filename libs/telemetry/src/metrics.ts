import {
  collectDefaultMetrics,
  Counter,
  type CounterConfiguration,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client';

/** One value of a metric. */
export interface Sample<Label extends string = string> {
  readonly labels: Readonly<Record<Label, string>>;
  readonly value: number;
}

/**
 * The metrics of one app, in a registry of its own: two apps in one process do not share it. Each room registers its own
 * metrics here, once: a name that is taken throws. The values of a label must be bounded: see `bounded`.
 */
export class Metrics {
  readonly registry = new Registry();

  counter<Label extends string = never>(config: Omit<CounterConfiguration<Label>, 'registers'>): Counter<Label> {
    return new Counter({ ...config, registers: [this.registry] });
  }

  gauge<Label extends string = never>(config: Omit<GaugeConfiguration<Label>, 'registers'>): Gauge<Label> {
    return new Gauge({ ...config, registers: [this.registry] });
  }

  histogram<Label extends string = never>(config: Omit<HistogramConfiguration<Label>, 'registers'>): Histogram<Label> {
    return new Histogram({ ...config, registers: [this.registry] });
  }

  /**
   * A gauge whose values are what `read` answers at each scrape. When it rejects, the gauge has no values and the rest
   * of the scrape is answered: what takes time or may fail is to be read by a `SharedRead`.
   */
  sampled<Label extends string = never>(
    config: { readonly name: string; readonly help: string; readonly labelNames?: readonly Label[] },
    read: () => readonly Sample<Label>[] | Promise<readonly Sample<Label>[]>,
  ): void {
    const gauge: Gauge<Label> = this.gauge({
      ...config,
      collect: async () => {
        const samples = await Promise.resolve()
          .then(read)
          .catch(() => []);
        // Without a pause between: a scrape at the same time sees either the values before or these.
        gauge.reset();
        if (!config.labelNames) gauge.remove();
        for (const { labels, value } of samples) gauge.set(labels, value);
      },
    });
  }

  /** A counter whose value is kept elsewhere: `read` answers it at each scrape, and it never falls. */
  counted(config: { readonly name: string; readonly help: string }, read: () => number): void {
    const counter: Counter = this.counter({
      ...config,
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  /**
   * A counter that is counted for each message: answers what counts in the series of these labels, which is to be kept. It only adds
   * up; the registry is told at each scrape.
   */
  tally<Label extends string>(
    config: Omit<CounterConfiguration<Label>, 'registers' | 'collect'>,
  ): (labels: Readonly<Record<Label, string>>) => () => void {
    const series: { readonly labels: Readonly<Record<Label, string>>; untold: number }[] = [];
    const counter: Counter<Label> = this.counter({
      ...config,
      collect: () => {
        for (const each of series) {
          if (each.untold > 0) counter.inc({ ...each.labels }, each.untold);
          each.untold = 0;
        }
      },
    });
    return (labels) => {
      const own = { labels, untold: 0 };
      series.push(own);
      return () => void own.untold++;
    };
  }

  /** Adds Node's own metrics (event loop lag, heap, CPU). Once per process. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
    // promtool refuses gauges that are named as counters. The gauges by type tell the same.
    for (const what of ['handles', 'requests', 'resources'])
      this.registry.removeSingleMetric(`nodejs_active_${what}_total`);
  }
}

/** A value of a metric without labels. */
export const sample = (value: number): Sample<never> => ({ labels: {}, value });

/**
 * At most `most` values of a label: the highest by themselves, and the rest together as `other`. A label's value may come
 * from outside, and Prometheus keeps a series for each.
 */
export function bounded<Label extends string>(
  samples: readonly Sample<Label>[],
  label: NoInfer<Label>,
  most = MOST_VALUES,
): readonly Sample<Label>[] {
  const totals = new Map<string, number>();
  for (const { labels, value } of samples) totals.set(labels[label], (totals.get(labels[label]) ?? 0) + value);
  if (totals.size <= most) return samples;
  const kept = new Set(
    [...totals]
      .sort(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(([name]) => name),
  );
  const rest = new Map<string, Sample<Label>>();
  for (const { labels, value } of samples) {
    if (kept.has(labels[label])) continue;
    const others = { ...labels, [label]: 'other' };
    const key = JSON.stringify(others);
    rest.set(key, { labels: others, value: value + (rest.get(key)?.value ?? 0) });
  }
  return [...samples.filter(({ labels }) => kept.has(labels[label])), ...rest.values()];
}

const MOST_VALUES = 50;
