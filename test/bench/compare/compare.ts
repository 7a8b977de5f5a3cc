import pMap from 'p-map';
import type { Found, Mode, ModeOptions } from '../mode.js';
import { installPeers } from '../peers.js';
import { median, ratiosOf, rounded, spreadOf, turned } from '../statistics.js';
import type { Contender } from './contender.js';
import { Entrant } from './entrant.js';
import { type Figures, ratios } from './ratios.js';
import { table } from './table.js';

const AT_ONCE = 64;
const OPENED_AT_ONCE = 4;
const LEAST = 200;

/** With both ends of each contender in one process, and then with each end in one of its own. */
export const compareMode: Mode = {
  name: 'compare',
  about: 'AgentMQ beside amqplib by hand and beside its peers: in rounds, each round all of them',
  async run(options) {
    const chosen = options.only;
    if (chosen.some(({ isPeer }) => isPeer)) installPeers();
    const found: Found[] = [await compare(chosen, 1, options)];
    const apart = options.quick ? chosen.filter(({ id }) => inRatios.has(id)) : chosen;
    found.push(await compare(apart, 2, options));
    return {
      measures: Object.assign({}, ...found.map(({ measures }) => measures)) as Found['measures'],
      ratios: Object.assign({}, ...found.map((each) => each.ratios)) as Found['ratios'],
      text: found.map(({ text }) => text).join('\n\n'),
    };
  },
};

const inRatios = new Set(ratios.flatMap(({ of, over }) => [of, over]));
const askedInRatios = new Set(ratios.flatMap(({ of, over, figure }) => (figure === 'requestRate' ? [of, over] : [])));

async function compare(chosen: readonly Contender[], processes: 1 | 2, options: ModeOptions): Promise<Found> {
  const { report } = options;
  const entrants: Entrant[] = [];
  const rounds: Map<string, Figures>[] = [];
  try {
    const open = async ({ id }: Contender): Promise<void> => {
      entrants.push(await Entrant.open({ contender: id, processes }));
    };
    await pMap(chosen, open, { concurrency: OPENED_AT_ONCE });
    const sizes = new Map<string, number>();
    for (const entrant of entrants) {
      sizes.set(entrant.id, await warmUp(entrant, options));
      report(`${entrant.id} is warm: ${sizes.get(entrant.id)} messages a measurement`);
    }
    for (let round = 0; round < options.rounds; round++) {
      const figures = new Map<string, Figures>();
      for (const entrant of turned(entrants, round)) {
        const found = await measure(entrant, sizes.get(entrant.id) ?? LEAST, processes, options.quick);
        figures.set(entrant.id, found);
        report(`round ${round + 1}/${options.rounds}, ${processes}p, ${entrant.id}: ${described(found)}`);
      }
      rounds.push(figures);
    }
    for (const entrant of entrants) await entrant.check();
  } finally {
    for (const entrant of entrants) await entrant.close();
  }
  return foundOf(chosen, processes, rounds);
}

/** Resolves with how many messages are to be measured: as many as take the time that a measurement may take. */
async function warmUp(entrant: Entrant, { messages, seconds }: ModeOptions): Promise<number> {
  const inTime = (rate: number): number => Math.min(messages, Math.max(LEAST, Math.ceil(rate * seconds)));
  const first = await entrant.throughput(LEAST);
  const second = await entrant.throughput(inTime(first.rate));
  if (entrant.canRequest) await entrant.requestRate(Math.ceil(inTime(second.rate) / 4), AT_ONCE);
  return inTime(second.rate);
}

async function measure(entrant: Entrant, messages: number, processes: 1 | 2, quick: boolean): Promise<Figures> {
  const figures = await entrant.throughput(messages);
  if (!entrant.canRequest || (quick && (processes === 2 || !askedInRatios.has(entrant.id)))) return figures;
  return {
    ...figures,
    roundTrip: await entrant.roundTrip(Math.ceil(messages / 24)),
    requestRate: await entrant.requestRate(Math.ceil(messages / 3), AT_ONCE),
  };
}

function foundOf(
  chosen: readonly Contender[],
  processes: 1 | 2,
  rounds: readonly ReadonlyMap<string, Figures>[],
): Found {
  const valuesOf = (id: string, figure: keyof Figures): number[] =>
    rounds.map((round) => round.get(id)?.[figure] ?? Number.NaN);
  const measured = chosen.map(({ id, title, promise, configured }) => {
    const figures = (['rate', 'cpu', 'roundTrip', 'requestRate'] as const)
      .map((figure) => [figure, valuesOf(id, figure)] as const)
      .filter(([, values]) => !values.some(Number.isNaN))
      .map(([figure, values]) => {
        const overRaw = spreadOf(ratiosOf(values, valuesOf('raw', figure)));
        return [figure, { ...spreadOf(values), overRaw }] as const;
      });
    return [id, { title, promise, configured, ...Object.fromEntries(figures) }] as const;
  });
  const prefix = processes === 1 ? '' : 'two_processes_';
  const found = ratios.flatMap(({ name, of, over, figure }) => {
    const ratio = median(ratiosOf(valuesOf(of, figure), valuesOf(over, figure)));
    return Number.isNaN(ratio) ? [] : [[`${prefix}${name}`, rounded(ratio)] as const];
  });
  const name = processes === 1 ? 'one_process' : 'two_processes';
  const heading = processes === 1 ? 'Both ends in one process' : 'Each end in a process of its own';
  return {
    measures: { [name]: Object.fromEntries(measured) },
    ratios: Object.fromEntries(found),
    text: `${heading}, ${rounds.length} rounds\n\n${table(measured.map(([, each]) => each))}`,
  };
}

function described({ rate, cpu, roundTrip, requestRate }: Figures): string {
  const requests =
    roundTrip === undefined ? '' : `, ${roundTrip.toFixed(2)} ms, ${(requestRate ?? Number.NaN).toFixed(0)} requests/s`;
  return `${rate.toFixed(0)} msg/s, ${cpu.toFixed(0)} µs${requests}`;
}
