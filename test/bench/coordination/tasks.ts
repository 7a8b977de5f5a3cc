import { AgentRegistry } from 'agentmq/agent';
import { Done, Piece } from '../../e2e/apps/crew-contracts.js';
import { Crew, type Member, QUICK } from '../../e2e/crew.js';
import { until } from '../../support/index.js';
import { Entrant } from '../compare/entrant.js';
import { decimal, markdownTable, withRange } from '../compare/table.js';
import type { Mode } from '../mode.js';
import { installPeers } from '../peers.js';
import { cpuSeconds } from '../process-usage.js';
import { statementsOf } from '../statements.js';
import { median, ratiosOf, rounded, spreadOf, turned } from '../statistics.js';

const workers = ['w1', 'w2'];
const CONCURRENCY = 64;
const ONE_BY_ONE = 200;
const WAIT_MS = 60_000;
const PEERS = ['graphile-worker', 'pg-boss'];
/** Of a peer a round measures fewer: it does as many in each second. */
const OF_A_PEER = 0.4;

/**
 * Tasks that take no time: one coordinator, two workers, and this process, which submits them, each by itself, and waits for the
 * results. The peers get theirs likewise, in the same rounds, with a process for each end.
 */
export const tasksMode: Mode = {
  name: 'tasks',
  about: 'tasks that take no time, so many at once and one alone, beside graphile-worker and pg-boss',
  counts: { what: 'tasks', standard: 5_000 },
  async run({ count, rounds, report }) {
    installPeers();
    const team = await Team.start();
    const peers: Entrant[] = [];
    try {
      const statements = { atOnce: await statementsOf(() => team.atOnce(count)), alone: 0 };
      const alone: number[] = [];
      await team.alone();
      statements.alone = await statementsOf(async () => {
        for (let n = 0; n < ONE_BY_ONE; n++) alone.push(await team.alone());
      });
      report(`one alone: ${median(alone).toFixed(1)} ms`);
      for (const contender of PEERS) peers.push(await Entrant.open({ contender, processes: 2 }));
      const ofPeer = Math.ceil(count * OF_A_PEER);
      for (const peer of peers) await peer.throughput(Math.ceil(ofPeer / 10), count);
      const rates = new Map(['agentmq', ...PEERS].map((id) => [id, [] as number[]]));
      const costs: number[][] = [];
      for (let round = 0; round < rounds; round++) {
        const ours = {
          id: 'agentmq',
          throughput: async () => {
            const { rate, cpu } = await team.atOnce(count);
            costs.push(cpu);
            return { rate, cpu: cpu.reduce((sum, each) => sum + each, 0) };
          },
        };
        for (const way of turned([ours, ...peers], round)) {
          const { rate, cpu } = await way.throughput(ofPeer, count);
          rates.get(way.id)?.push(rate);
          report(`round ${round + 1}/${rounds}, ${way.id}: ${rate.toFixed(0)} tasks/s, ${cpu.toFixed(0)} µs`);
        }
      }
      for (const peer of peers) await peer.check();
      const ratesOf = (id: string): number[] => rates.get(id) ?? [];
      const over = PEERS.map((id) => ({ id, ratios: ratiosOf(ratesOf('agentmq'), ratesOf(id)) }));
      const cpu = [0, 1, 2].map((index) => rounded(median(costs.map((each) => each[index] ?? 0))));
      return {
        measures: {
          tasks: {
            count,
            rates: Object.fromEntries([...rates].map(([id, found]) => [id, spreadOf(found)])),
            cpu: { submitter: cpu[0], coordinator: cpu[1], workers: cpu[2] },
            aloneMs: spreadOf(alone),
          },
        },
        ratios: {
          ...Object.fromEntries(
            over.map(({ id, ratios }) => [`tasks_over_${id.replaceAll('-', '_')}`, rounded(median(ratios))]),
          ),
          task_p50_ms: rounded(median(alone)),
          statements_of_a_task_alone: rounded(statements.alone / ONE_BY_ONE),
          statements_of_a_task_at_once: rounded(statements.atOnce / count),
        },
        text: markdownTable(
          ['', 'median of the rounds'],
          [
            [`tasks/s, ${count} at once`, decimal(median(ratesOf('agentmq')), 0)],
            ...over.map(({ id, ratios }) => [`÷ ${id}`, withRange(spreadOf(ratios))]),
            ['CPU of a task: submitter, coordinator, workers', `${cpu.map((each) => decimal(each, 0)).join(', ')} µs`],
            [`one alone, from submit to result, p50 of ${ONE_BY_ONE}`, `${decimal(median(alone), 1)} ms`],
            ['statements of a task alone', decimal(statements.alone / ONE_BY_ONE, 1)],
            [`statements of a task, ${count} at once`, decimal(statements.atOnce / count, 2)],
          ],
        ),
      };
    } finally {
      for (const peer of peers) await peer.close();
      await team.crew.close();
    }
  },
};

class Team {
  private constructor(readonly crew: Crew) {}

  static async start(): Promise<Team> {
    const crew = new Crew(QUICK);
    try {
      const members = workers.map((id): Member => ({ id, role: 'worker', concurrency: CONCURRENCY }));
      await crew.start([{ id: 'c1', role: 'coordinator' }, ...members]);
      const registry = crew.agent.get(AgentRegistry);
      await until(
        'the workers to be known',
        () => registry.find({ role: 'worker' }).length === workers.length,
        WAIT_MS,
      );
      return new Team(crew);
    } catch (error) {
      await crew.close();
      throw error;
    }
  }

  /** Tasks a second; the CPU time of the submitter, the coordinator and the workers, in µs a task. */
  async atOnce(tasks: number): Promise<{ readonly rate: number; readonly cpu: number[] }> {
    const before = this.used();
    const start = performance.now();
    const submit = (n: number) => this.crew.tasks.submit(Piece, { n, ms: 0 }, { to: { role: 'worker' } });
    const ids = await Promise.all(Array.from({ length: tasks }, (_, n) => submit(n)));
    const done = await Promise.all(ids.map((id) => this.crew.tasks.result(id, { answer: Done })));
    const took = performance.now() - start;
    if (new Set(done.map(({ n }) => n)).size !== tasks) throw new Error('not every task was done');
    const cpu = this.used().map((seconds, index) => ((seconds - (before[index] ?? 0)) * 1_000_000) / tasks);
    return { rate: (tasks * 1_000) / took, cpu };
  }

  /** From the submission to the result, in ms. */
  async alone(): Promise<number> {
    const start = performance.now();
    await this.crew.tasks.run(Piece, { n: 0, ms: 0 }, { to: { role: 'worker' }, answer: Done });
    return performance.now() - start;
  }

  private used(): number[] {
    const { user, system } = process.cpuUsage();
    const ofApps = (ids: readonly string[]) =>
      ids.reduce((sum, id) => sum + cpuSeconds(this.crew.system.app(id).pid), 0);
    return [(user + system) / 1e6, ofApps(['c1']), ofApps(workers)];
  }
}
