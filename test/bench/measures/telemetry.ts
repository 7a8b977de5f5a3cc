import pMap from 'p-map';
import { OtlpReceiver } from '../../support/otlp-receiver.js';
import { Entrant, type Throughput } from '../compare/entrant.js';
import { decimal, markdownTable, withRange } from '../compare/table.js';
import type { Mode } from '../mode.js';
import { median, ratiosOf, rounded, spreadOf, turned } from '../statistics.js';

const CONTENDERS = ['durable', 'transient'] as const;
const OFF = { TRACE_RATE: '0', TRACE_RATIO: '0', BENCH_METRICS: 'off' };
const OPENED_AT_ONCE = 4;
const LEAST = 500;

interface Way {
  readonly name: 'off' | 'on' | 'exported' | 'every';
  readonly title: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What is measured in each round: one contender in one way. */
interface Runner extends Way {
  readonly contender: string;
  readonly entrant: Entrant;
  messages: number;
  readonly found: Throughput[];
}

/** The same messages with nothing recorded, as it is by default, and with spans exported to a collector. */
export const telemetryMode: Mode = {
  name: 'telemetry',
  about: 'what metrics and traces cost: off, on as they are by default, and exported over OTLP',
  async run({ rounds, messages, seconds, report }) {
    const collector = await OtlpReceiver.start();
    const OTEL_EXPORTER_OTLP_ENDPOINT = collector.endpoint;
    const ways: readonly Way[] = [
      { name: 'off', title: 'off', env: OFF },
      { name: 'on', title: 'on, as by default', env: {} },
      { name: 'exported', title: 'on and exported', env: { OTEL_EXPORTER_OTLP_ENDPOINT } },
      {
        name: 'every',
        title: 'every trace recorded and exported',
        env: { OTEL_EXPORTER_OTLP_ENDPOINT, TRACE_RATIO: '1' },
      },
    ];
    const runners: Runner[] = [];
    try {
      const wanted = CONTENDERS.flatMap((contender) => ways.map((way) => ({ ...way, contender })));
      await pMap(
        wanted,
        async (each) => {
          const entrant = await Entrant.open({ contender: each.contender, processes: 1, env: each.env });
          runners.push({ ...each, entrant, messages: LEAST, found: [] });
        },
        { concurrency: OPENED_AT_ONCE },
      );
      for (const runner of runners) {
        await runner.entrant.throughput(LEAST);
        const { rate } = await runner.entrant.throughput(LEAST);
        runner.messages = Math.min(messages, Math.max(LEAST, Math.ceil(rate * seconds)));
        await runner.entrant.throughput(runner.messages);
      }
      for (let round = 0; round < rounds; round++) {
        for (const runner of turned(runners, round)) {
          runner.found.push(await runner.entrant.throughput(runner.messages));
          collector.spans.length = 0;
        }
        const rates = runners.map(
          ({ contender, name, found }) => `${contender} ${name} ${found.at(-1)?.rate.toFixed(0)}`,
        );
        report(`round ${round + 1}/${rounds}, msg/s: ${rates.join(', ')}`);
      }
      for (const { entrant } of runners) await entrant.check();
    } finally {
      for (const { entrant } of runners) await entrant.close();
      await collector.close();
    }
    const valuesOf = (contender: string, name: Way['name'], figure: keyof Throughput): number[] =>
      runners.find((each) => each.contender === contender && each.name === name)?.found.map((each) => each[figure]) ??
      [];
    const overOff = (contender: string, name: Way['name'], figure: keyof Throughput): number[] =>
      ratiosOf(valuesOf(contender, name, figure), valuesOf(contender, 'off', figure));
    const compared = CONTENDERS.flatMap((contender) => ways.map((way) => ({ ...way, contender })));
    const told = compared.filter(({ name }) => name !== 'off');
    return {
      measures: {
        telemetry: Object.fromEntries(
          compared.map(({ contender, name }) => [
            `${contender}_${name}`,
            {
              rate: spreadOf(valuesOf(contender, name, 'rate')),
              cpu: spreadOf(valuesOf(contender, name, 'cpu')),
              rateOverOff: spreadOf(overOff(contender, name, 'rate')),
            },
          ]),
        ),
      },
      ratios: Object.fromEntries(
        told.map(({ contender, name }) => [
          `${contender}_telemetry_${name}_over_off`,
          rounded(median(overOff(contender, name, 'rate'))),
        ]),
      ),
      text: markdownTable(
        ['', 'metrics and traces', 'msg/s', 'CPU µs/msg', 'msg/s ÷ off'],
        compared.map(({ contender, name, title }) => [
          contender,
          title,
          decimal(median(valuesOf(contender, name, 'rate')), 0),
          decimal(median(valuesOf(contender, name, 'cpu')), 1),
          withRange(spreadOf(overOff(contender, name, 'rate'))),
        ]),
      ),
    };
  },
};
