import { Entrant } from '../compare/entrant.js';
import { markdownTable, decimal, withRange } from '../compare/table.js';
import type { Mode } from '../mode.js';
import { median, ratiosOf, rounded, spreadOf } from '../statistics.js';

const WORKERS = 8;
const HANDLER_MS = 10;
/** What a worker holds besides the message that it handles, so that it never waits for the next one. */
const PREFETCH = 4;

/** Durable messages to a role, each of which takes its handler a while; as many for each worker. */
export const workersMode: Mode = {
  name: 'workers',
  about: `${WORKERS} processes with a handler of ${HANDLER_MS} ms beside one`,
  async run({ rounds, seconds, report }) {
    const open = (receivers: number): Promise<Entrant> =>
      Entrant.open({
        contender: 'durable',
        processes: 2,
        receivers,
        concurrency: 1,
        prefetch: PREFETCH,
        handlerMs: HANDLER_MS,
      });
    const teams = [await open(1), await open(WORKERS)] as const;
    const rates: [number[], number[]] = [[], []];
    try {
      const measure = async (team: 0 | 1): Promise<number> => {
        const workers = team === 0 ? 1 : WORKERS;
        const messages = Math.ceil((Math.max(1, seconds) * 1_000) / HANDLER_MS) * workers;
        return (await teams[team].throughput(messages, 64 * workers)).rate;
      };
      for (const team of [0, 1] as const) await measure(team);
      for (let round = 0; round < rounds; round++) {
        for (const team of [0, 1] as const) rates[team].push(await measure(team));
        report(`round ${round + 1}/${rounds}: ${rates.map((each) => each.at(-1)?.toFixed(0)).join(' and ')} msg/s`);
      }
      for (const team of teams) await team.check();
    } finally {
      for (const team of teams) await team.close();
    }
    const [one, eight] = rates;
    const ratios = ratiosOf(eight, one);
    return {
      measures: { workers: { one: spreadOf(one), eight: spreadOf(eight), eightOverOne: spreadOf(ratios) } },
      ratios: { eight_workers_over_one: rounded(median(ratios)) },
      text: markdownTable(
        ['', `1 worker, msg/s`, `${WORKERS} workers, msg/s`, 'ratio'],
        [['durable', decimal(median(one), 0), decimal(median(eight), 0), withRange(spreadOf(ratios))]],
      ),
    };
  },
};
