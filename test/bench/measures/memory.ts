import { Entrant } from '../compare/entrant.js';
import { decimal, markdownTable } from '../compare/table.js';
import type { Mode } from '../mode.js';

const CONTENDERS = ['transient', 'durable'];
/** Of all messages: by then what stays has been allocated. */
const FIRST = 0.1;

/** One process sends and handles them all; its resident memory is read after garbage was collected, when nothing is under way. */
export const memoryMode: Mode = {
  name: 'memory',
  about: 'resident memory after so many messages, and after a tenth of them',
  counts: { what: 'messages', standard: 1_000_000 },
  async run({ count, report }) {
    const found: Record<string, object> = {};
    const rows: string[][] = [];
    for (const contender of CONTENDERS) {
      const entrant = await Entrant.open({ contender, processes: 1 });
      try {
        const samples: number[] = [];
        for (let part = 0; part < 1 / FIRST; part++) {
          const { rate } = await entrant.throughput(count * FIRST);
          samples.push(Math.round(await entrant.residentMemory()));
          report(`${contender}: ${samples.at(-1)} MB after ${(part + 1) * count * FIRST} (${rate.toFixed(0)} msg/s)`);
        }
        const [first = Number.NaN] = samples;
        const last = samples.at(-1) ?? Number.NaN;
        found[contender] = { messages: count, firstMb: first, lastMb: last, differenceMb: last - first, samples };
        rows.push([contender, ...[first, last, last - first].map((mb) => decimal(mb, 0))]);
      } finally {
        await entrant.close();
      }
    }
    const columns = [`MB after ${decimal(count * FIRST, 0)}`, `after ${decimal(count, 0)}`, 'difference'];
    return { measures: { memory: found }, ratios: {}, text: markdownTable(['', ...columns], rows) };
  },
};
