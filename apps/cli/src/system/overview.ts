import type { Overview } from 'agentmq/operations';
import type { JsonOption } from '../command/options.js';
import { withStore } from '../command/with-store.js';
import { ageOf, count, type Fields, perSecond, printFields, printJson, some } from '../output/index.js';
import { systemOf } from './system.js';

/** Prints what the namespace does now. */
export function showOverview({ json }: JsonOption): Promise<void> {
  return withStore(async (store, settings) => {
    const overview = await systemOf(store, settings).live.overview();
    if (json) printJson(overview);
    else printFields(fieldsOf(overview));
  });
}

function fieldsOf(overview: Overview): Fields {
  const { namespace, rates, windowSeconds, latency, backlog, deadLetters, outbox, agents, leaders, tasks, paused } =
    overview;
  const led = leaders.map(
    ({ group, leader, term, alive }) => `${group}: ${leader} (term ${term}${alive ? '' : ', gone'})`,
  );
  return {
    namespace,
    agents: [
      agents.unhealthy === 0
        ? `${count(agents.healthy)} healthy`
        : `${count(agents.healthy)} healthy, ${count(agents.unhealthy)} not`,
      agents.unhealthy > 0 ? 'red' : 'green',
    ],
    leaders: led.length === 0 ? 'none' : [led.join('; '), leaders.every(({ alive }) => alive) ? undefined : 'red'],
    rates: `${perSecond(rates.stored)} stored, ${perSecond(rates.completed)} completed, ${perSecond(rates.failed)} failed a second, of ${windowSeconds} s`,
    latency: latency && `p50 ${Math.round(latency.p50)} ms, p95 ${Math.round(latency.p95)} ms`,
    backlog: `${some(backlog, 'delivery', 'deliveries')} owed`,
    outbox:
      outbox.entries === 0
        ? 'empty'
        : `${some(outbox.entries, 'entry', 'entries')}, the oldest ${ageOf(outbox.oldestAgeSeconds)} old`,
    'dead letters': [count(deadLetters), deadLetters > 0 ? 'red' : undefined],
    tasks: `${count(tasks.queued)} queued, ${count(tasks.running)} running, ${count(tasks.failed)} failed in the last hour`,
    paused:
      paused.consumers + paused.agents === 0
        ? undefined
        : [`${some(paused.consumers, 'consumer')}, ${some(paused.agents, 'agent')}`, 'yellow'],
  };
}
