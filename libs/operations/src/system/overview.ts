import type { RegisteredAgent } from 'agentmq/agent';
import type { StoreFigures } from 'agentmq/message-store';
import type { LeaderRow, Overview, Pause } from '../views/system.js';
import { type Activity, SAMPLE } from './activity.js';
import type { Condition, Facts, Leadership } from './facts.js';

/** What an overview is made of. */
export interface Sample {
  readonly activity: Activity;
  readonly facts: Facts;
  readonly figures: StoreFigures;
  readonly agents: readonly RegisteredAgent[];
  readonly conditions: readonly Condition[];
  readonly leaderships: readonly Leadership[];
  readonly pauses: readonly Pause[];
  /** As {@link Drain} tells it. */
  readonly drained: number;
}

export function overviewOf(
  { activity, facts, figures, agents, conditions, leaderships, pauses, drained }: Sample,
  namespace: string,
): Omit<Overview, 'history'> {
  const { paceSeconds, latency } = activity;
  const count = (isCounted: (state: string) => boolean): number =>
    figures.deliveries.reduce((sum, each) => sum + (isCounted(each.state) ? each.count : 0), 0);
  const backlog = count((state) => state !== 'dead');
  const present = agents.filter(({ health }) => health !== 'stopped');
  const told = new Set(conditions.map(({ instance }) => instance));
  const healthy = present.filter(({ health, instance }) => health === 'healthy' && !told.has(instance)).length;
  const completed = activity.completed / paceSeconds;
  return {
    at: activity.at,
    namespace,
    windowSeconds: Math.round(paceSeconds * 10) / 10,
    rates: {
      stored: rounded(activity.stored / paceSeconds),
      completed: rounded(backlog > SAMPLE ? Math.max(completed, drained) : completed),
      failed: rounded(activity.dead / paceSeconds),
    },
    ...(latency ? { latency: { p50: rounded(latency[0]), p95: rounded(latency[1]) } } : {}),
    backlog,
    deadLetters: count((state) => state === 'dead'),
    outbox: { entries: figures.entries, oldestAgeSeconds: figures.oldest ?? 0 },
    agents: { healthy, unhealthy: present.length - healthy },
    leaders: leaderRows(leaderships, agents),
    tasks: facts.tasks,
    paused: pausedOf(pauses),
  };
}

/** Targets are `agent.<id>` and names of consumers. */
function pausedOf(pauses: readonly Pause[]): Overview['paused'] {
  const agents = pauses.filter(({ target }) => target.startsWith('agent.')).length;
  return { consumers: pauses.length - agents, agents };
}

/** To three digits: more say nothing, and are sent to each that watches. */
export const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

/** The leader of each group: `alive` is the instance that was elected, as far as it is heard of. */
export function leaderRows(leaderships: readonly Leadership[], agents: readonly RegisteredAgent[]): LeaderRow[] {
  const alive = new Set(
    agents.flatMap(({ instance, health }) => (health === 'healthy' || health === 'suspect' ? [instance] : [])),
  );
  return leaderships.map(({ instance, ...row }) => ({ ...row, alive: alive.has(instance) }));
}
