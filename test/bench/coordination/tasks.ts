import { AgentRegistry } from 'agentmq/agent';
import { Done, Piece } from '../../e2e/apps/crew-contracts.js';
import { Crew, type Member, QUICK } from '../../e2e/crew.js';
import { until } from '../../support/index.js';
import { cpuSeconds } from '../process-usage.js';
import { median } from '../statistics.js';

const workers = ['w1', 'w2'];
const CONCURRENCY = 64;
const ONE_BY_ONE = 200;
const WAIT_MS = 60_000;

/** Tasks that take no time: one coordinator, two workers, and this process, which submits them and waits for the results. */
export async function measureTasks(tasks: number, rounds: number, report: (text: string) => void): Promise<string> {
  const crew = new Crew(QUICK);
  try {
    const team = workers.map((id): Member => ({ id, role: 'worker', concurrency: CONCURRENCY }));
    await crew.start([{ id: 'c1', role: 'coordinator' }, ...team]);
    const registry = crew.agent.get(AgentRegistry);
    await until('all workers to be known', () => registry.find({ role: 'worker' }).length === workers.length, WAIT_MS);
    const used = (): number[] => [
      process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
      cpuSeconds(crew.system.app('c1').pid),
      workers.reduce((sum, id) => sum + cpuSeconds(crew.system.app(id).pid), 0),
    ];
    const rates: number[] = [];
    const submitting: number[] = [];
    const costs: number[][] = [];
    for (let round = 0; round <= rounds; round++) {
      const before = used();
      const start = performance.now();
      const payloads = Array.from({ length: tasks }, (_, n) => ({ n, ms: 0 }));
      const ids = await crew.tasks.submitAll(Piece, payloads, { to: { role: 'worker' } });
      const submitted = performance.now() - start;
      const done = await Promise.all(ids.map((id) => crew.tasks.result(id, { answer: Done })));
      const took = performance.now() - start;
      if (new Set(done.map(({ n }) => n)).size !== tasks) throw new Error('not every task was done');
      const rate = (tasks * 1_000) / took;
      const cost = used().map((seconds, index) => ((seconds - (before[index] ?? 0)) * 1_000_000) / tasks);
      report(
        `${rate.toFixed(0)} tasks/s; submitted in ${submitted.toFixed(0)} ms; CPU ${cost.map((each) => each.toFixed(0)).join(', ')} µs a task`,
      );
      // the first round warms up
      if (round === 0) continue;
      rates.push(rate);
      submitting.push(submitted);
      costs.push(cost);
    }
    const times: number[] = [];
    for (let n = 0; n < ONE_BY_ONE; n++) {
      const start = performance.now();
      await crew.tasks.run(Piece, { n, ms: 0 }, { to: { role: 'worker' }, answer: Done });
      times.push(performance.now() - start);
    }
    const cost = [0, 1, 2].map((index) => median(costs.map((each) => each[index] ?? 0)).toFixed(0));
    return [
      `| tasks at once | tasks/s, median of ${rounds} (least, most) | CPU a task: submitter, coordinator, workers | one after the other, median of ${ONE_BY_ONE} |`,
      '|---:|---:|---:|---:|',
      `| ${[
        tasks,
        `${median(rates).toFixed(0)} (${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)})`,
        `${cost.join(', ')} µs`,
        `${median(times).toFixed(1)} ms`,
      ].join(' | ')} |`,
    ].join('\n');
  } finally {
    await crew.close();
  }
}
