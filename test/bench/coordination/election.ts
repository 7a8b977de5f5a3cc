import { Writers, type WrittenTerm } from '../../e2e/writers.js';
import { until } from '../../support/index.js';
import { median } from '../statistics.js';

const PROCESSES = 5;
const KILLS = 20;
const STOPS = 10;
const WAIT_MS = 60_000;

interface Setting {
  readonly title: string;
  readonly env: Record<string, string>;
}

const settings: readonly Setting[] = [
  { title: 'default: heartbeat 0.5 s, election time-out 2.5 s', env: {} },
  {
    title: 'heartbeat 0.1 s, election time-out 0.5 s',
    env: { COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1', COORDINATION_ELECTION_TIMEOUT: '0.5' },
  },
];

/** What deposed leaders tried after they had been stopped and went on. */
interface Vain {
  readonly attempted: number;
  readonly refused: number;
  readonly byRecord: number;
  readonly failed: number;
}

/**
 * Fail-over of five real processes whose leader writes rows in fenced transactions: the leader is killed, and started
 * again once another has written, so many times; then it is stopped (SIGSTOP) until another has written, and continued.
 * The time of a fail-over is that between the last row of one leader and the first of the next, by the database's clock.
 */
export async function measureElections(report: (text: string) => void): Promise<string> {
  const rows: string[] = [];
  for (const { title, env } of settings) {
    const writers = new Writers(PROCESSES, env);
    try {
      await writers.start();
      report(`${PROCESSES} processes, ${title}`);
      const gaps: number[] = [];
      for (let round = 0; round < KILLS; round++) gaps.push(await kill(writers));
      report(`killed: ${gaps.map((gap) => (gap / 1_000).toFixed(2)).join(', ')} s`);
      const vain: Vain[] = [];
      for (let round = 0; round < STOPS; round++) vain.push(await stop(writers));
      const sum = (count: (of: Vain) => number): number => vain.reduce((total, each) => total + count(each), 0);
      const wrong = await writers.wrong();
      const cells = [
        title,
        ...[median(gaps), Math.max(...gaps)].map((gap) => `${(gap / 1_000).toFixed(2)} s`),
        sum(({ attempted }) => attempted),
        `${sum(({ refused }) => refused)} (${sum(({ byRecord }) => byRecord)})`,
        sum(({ failed }) => failed),
        wrong.length,
      ];
      rows.push(`| ${cells.join(' | ')} |`);
    } finally {
      await writers.close();
    }
  }
  const columns = [
    'settings',
    `fail-over, median of ${KILLS} kills`,
    'worst',
    `writes tried by deposed leaders, ${STOPS} stops`,
    'refused (by the term on record)',
    'broken off with the connection',
    'rows out of place',
  ];
  return [`| ${columns.join(' | ')} |`, `|---|${'---:|'.repeat(columns.length - 1)}`, ...rows].join('\n');
}

/** Resolves with the time of the fail-over, in ms, when the one that was killed is back. */
async function kill(writers: Writers): Promise<number> {
  const killed = await writers.settled();
  await writers.system.app(killed.agent).kill('SIGKILL');
  await writers.after(killed);
  const gap = gapAfter(await writers.terms(), killed.term);
  await writers.launch(killed.agent);
  return gap;
}

/** Resolves when the one that was stopped has done all that it does as a deposed leader. */
async function stop(writers: Writers): Promise<Vain> {
  const stopped = await writers.settled();
  const app = writers.system.app(stopped.agent);
  const before = await writers.tell(stopped.agent);
  app.pause();
  const next = await writers.after(stopped);
  app.resume();
  const after = await until(
    'the deposed leader to give up',
    async () => {
      const told = await writers.tell(stopped.agent);
      const follows = told.state !== null && told.state.term >= next.term;
      return follows && !told.writing ? told : undefined;
    },
    WAIT_MS,
    20,
  );
  const refused = after.refused - before.refused;
  const failed = after.failed - before.failed;
  return { attempted: refused + failed, refused, byRecord: after.refusedByRecord - before.refusedByRecord, failed };
}

function gapAfter(terms: readonly WrittenTerm[], term: number): number {
  const at = terms.findIndex((each) => each.term === term);
  return (terms[at + 1]?.first ?? Number.NaN) - (terms[at]?.last ?? Number.NaN);
}
