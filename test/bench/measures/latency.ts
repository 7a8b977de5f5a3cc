import { Entrant } from '../compare/entrant.js';
import { decimal, markdownTable } from '../compare/table.js';
import type { Latencies } from '../compare/host-process.js';
import type { Mode } from '../mode.js';
import { median, rounded } from '../statistics.js';

const CONTENDERS = ['raw', 'transient', 'durable'];
const TOP_MESSAGES = 8_000;
const SHARE = 0.5;

/**
 * Sends at a steady rate, half of what was just reached, whether or not earlier messages are done with. A latency lasts from
 * when a message was due to be sent until its handler begins.
 */
export const latencyMode: Mode = {
  name: 'latency',
  about: 'how soon a handler begins while messages come at half the top rate',
  async run({ rounds, seconds, report }) {
    const found: Record<string, object> = {};
    const rows: string[][] = [];
    for (const processes of [1, 2] as const)
      for (const contender of CONTENDERS) {
        const entrant = await Entrant.open({ contender, processes });
        try {
          await entrant.throughput(TOP_MESSAGES);
          const tops: number[] = [];
          for (let n = 0; n < 3; n++) tops.push((await entrant.throughput(TOP_MESSAGES)).rate);
          const rate = SHARE * median(tops);
          const measured: Latencies[] = [];
          for (let round = 0; round < rounds; round++) measured.push(await entrant.latencies(rate, seconds * 1_000));
          await entrant.check();
          const ms = (of: 'p50' | 'p99' | 'most'): number => rounded(median(measured.map((each) => each[of])));
          const figures = { perSecond: Math.round(rate), p50: ms('p50'), p99: ms('p99'), most: ms('most') };
          const name = processes === 1 ? 'one_process' : 'two_processes';
          found[name] = { ...found[name], [contender]: figures };
          const times = [figures.p50, figures.p99, figures.most].map((each) => decimal(each, 2));
          rows.push([`${contender}, ${name.replace('_', ' ')}`, decimal(rate, 0), ...times]);
          report(`${contender}, ${processes}p: p50 ${figures.p50} ms, p99 ${figures.p99} ms at ${rate.toFixed(0)}/s`);
        } finally {
          await entrant.close();
        }
      }
    return {
      measures: { latency: found },
      ratios: {},
      text: markdownTable(['', 'msg/s', 'p50 ms', 'p99 ms', 'most ms'], rows),
    };
  },
};
