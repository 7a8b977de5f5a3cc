import { setTimeout as delay } from 'node:timers/promises';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { Agent, AgentModule, AgentRegistry, Handle, loadSettings, startEmbeddedAgent } from 'agentmq/agent';
import { AgentMQError, Contract } from 'agentmq/protocol';
import { CircuitBreakers, type CircuitState, Distribution, DistributionModule } from 'agentmq/coordination';
import { IsInt } from 'class-validator';
import { amqpUrl, databaseUrl, randomNamespace, removeNamespace, until } from '../../support/index.js';

const FAULTY = 'specialist-1';
const specialists = [FAULTY, 'specialist-2', 'specialist-3'];
const PER_SECOND = 50;
/** In s, from the start. */
const FAULT = 10;
const HEALED = 30;
const END = 45;
const FAILING_SHARE = 0.6;
const WORK_MS = 10;
const WAIT_MS = 60_000;

interface Setting {
  readonly title: string;
  readonly env: Readonly<Record<string, string>>;
  /** Agents that are asked, one after the other, until one answers. */
  readonly attempts: number;
}

/** A share that is not reached. */
const never = { CIRCUIT_FAILURE_RATE: '0.99' };
const settings: readonly Setting[] = [
  { title: 'no breaker, no other agent', env: never, attempts: 1 },
  { title: 'breaker, no other agent', env: {}, attempts: 1 },
  { title: 'no breaker, another agent', env: never, attempts: 2 },
  { title: 'breaker and another agent', env: {}, attempts: 2 },
  { title: 'the same, with CIRCUIT_WINDOW=2', env: { CIRCUIT_WINDOW: '2' }, attempts: 2 },
];

@Contract({ type: 'opinion_asked', durable: false })
class OpinionAsked {
  @IsInt()
  n!: number;
}

/** What a specialist answers that is not well: it may pass. */
class NotWellError extends AgentMQError {
  readonly code = 'NOT_WELL';
  override readonly retryable = true;
}

@Agent({ role: 'caller' })
class Caller {}

/** The specialists, and how many requests each got in each second. */
class Ward {
  isFaulty = false;
  readonly got = new Map<string, number[]>();
  private start = 0;

  begin(): void {
    this.start = performance.now();
  }

  /** In s. */
  get now(): number {
    return (performance.now() - this.start) / 1_000;
  }

  specialist(id: string): Type {
    const counts = perSecond();
    this.got.set(id, counts);
    const handle = async (): Promise<object> => {
      count(counts, this.now);
      await delay(WORK_MS);
      if (id === FAULTY && this.isFaulty && Math.random() < FAILING_SHARE) throw new NotWellError('not now');
      return {};
    };
    @Agent({ role: 'specialist', capabilities: ['opinions'] })
    class Specialist {
      @Handle(OpinionAsked)
      answer(): Promise<object> {
        return handle();
      }
    }
    return Specialist;
  }
}

interface Change {
  readonly at: number;
  readonly state: CircuitState;
}

interface Outcome {
  readonly got: ReadonlyMap<string, readonly number[]>;
  /** Of callers, in each second. */
  readonly errors: readonly number[];
  readonly changes: readonly Change[];
  /** When another agent's registry showed the circuit first, in s. */
  readonly shown: number | undefined;
  readonly latencies: readonly number[];
}

/**
 * One caller sends requests at a steady rate to three specialists in turn, over RabbitMQ and Postgres. One of them fails
 * 60 % of its requests for a while, then it is well again. Each setting with agents of its own.
 */
export async function measureBreaker(report: (text: string) => void): Promise<string> {
  const rows: string[] = [];
  for (const setting of settings) {
    const outcome = await run(setting);
    report(`\n${setting.title}: ${course(outcome)}`);
    if (setting.env !== never && setting.attempts > 1) report(secondBySecond(outcome));
    rows.push(row(setting, outcome));
  }
  const sent = PER_SECOND * (HEALED - FAULT);
  const columns = [
    `${PER_SECOND} requests/s`,
    'circuit opened after the fault began',
    'another agent saw it after',
    'closed for good after the healing',
    `of ${sent} requests during the fault, to the faulty one`,
    'callers who saw an error during the fault',
    'of them after the circuit first opened',
    'callers who saw an error before or after',
    'p50, p99 of all',
  ];
  return ['', `| ${columns.join(' | ')} |`, `|---|${'---:|'.repeat(columns.length - 1)}`, ...rows].join('\n');
}

async function run({ env, attempts }: Setting): Promise<Outcome> {
  const namespace = randomNamespace('bench_breaker');
  const ward = new Ward();
  const agents: INestApplicationContext[] = [];
  const start = async (id: string, controller: Type): Promise<INestApplicationContext> => {
    const servers = { NAMESPACE: namespace, AMQP_URL: amqpUrl(), DATABASE_URL: databaseUrl() };
    const variables = { ...servers, AGENT_ID: id, RABBITMQ_QUEUE_TYPE: 'classic', ...env };
    class AppModule {}
    const imports = [AgentModule.forRoot({ settings: loadSettings(variables) }), DistributionModule];
    const agent = await startEmbeddedAgent({ module: AppModule, imports, controllers: [controller] }, ['error']);
    agents.push(agent);
    return agent;
  };
  try {
    for (const id of specialists) await start(id, ward.specialist(id));
    const caller = await start('caller-1', Caller);
    const witness = (await start('witness-1', Caller)).get(AgentRegistry);
    const areAllKnown = () => caller.get(AgentRegistry).find({ role: 'specialist' }).length === specialists.length;
    await until('all to be known', areAllKnown, WAIT_MS);

    const changes: Change[] = [];
    let shown: number | undefined;
    caller.get(CircuitBreakers).changes.subscribe(({ state }) => changes.push({ at: ward.now, state }));
    const looking = setInterval(() => {
      if (witness.find({ id: 'caller-1' })[0]?.circuits.length) shown ??= ward.now;
    }, 10);
    const errors = perSecond();
    const latencies: number[] = [];
    const distribution = caller.get(Distribution);
    const ask = async (n: number): Promise<void> => {
      const sent = performance.now();
      const options = { strategy: 'round-robin', attempts };
      await distribution.request({ capability: 'opinions' }, OpinionAsked, { n }, options).catch(() => {
        count(errors, n / PER_SECOND);
      });
      latencies.push(performance.now() - sent);
    };
    const asked: Promise<void>[] = [];
    ward.begin();
    for (let n = 0; n < END * PER_SECOND; n++) {
      await delay(Math.max(0, (n / PER_SECOND - ward.now) * 1_000));
      ward.isFaulty = n >= FAULT * PER_SECOND && n < HEALED * PER_SECOND;
      asked.push(ask(n));
    }
    await Promise.all(asked);
    clearInterval(looking);
    return { got: ward.got, errors, changes, shown, latencies };
  } finally {
    for (const agent of agents) await agent.close();
    await removeNamespace(namespace);
  }
}

function row({ title }: Setting, { got, errors, changes, shown, latencies }: Outcome): string {
  const during = (counts: readonly number[], from = FAULT) => sum(counts.slice(from, HEALED));
  const opened = changes.find(({ state }) => state === 'open')?.at;
  const closed = changes.filter(({ state }) => state === 'closed').at(-1)?.at;
  const others = sum(errors) - during(errors);
  const share = (failed: number, of: number) => `${failed} (${((100 * failed) / of).toFixed(1)} %)`;
  const after = opened === undefined ? undefined : Math.ceil(opened);
  const sorted = [...latencies].sort((a, b) => a - b);
  const percentile = (of: number) => `${sorted[Math.floor(of * (sorted.length - 1))]?.toFixed(0)}`;
  const cells = [
    title,
    seconds(opened, FAULT),
    seconds(shown, opened),
    seconds(closed, HEALED),
    during(got.get(FAULTY) ?? []),
    share(during(errors), PER_SECOND * (HEALED - FAULT)),
    after === undefined ? '-' : share(during(errors, after), PER_SECOND * (HEALED - after)),
    share(others, PER_SECOND * (END - HEALED + FAULT)),
    `${percentile(0.5)}, ${percentile(0.99)} ms`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** `open 3.2, half_open 8.2, …`, in s after the fault began. */
const course = ({ changes }: Outcome): string =>
  changes.length === 0
    ? 'no circuit opened'
    : `s after the fault began: ${changes.map(({ at, state }) => `${state} ${(at - FAULT).toFixed(1)}`).join(', ')}`;

function secondBySecond({ got, errors, changes }: Outcome): string {
  const lines = Array.from({ length: END }, (_, second) => {
    const phase = second < FAULT ? 'before' : second < HEALED ? 'fault' : 'healed';
    const counts = specialists.map((id) => got.get(id)?.[second] ?? 0);
    const states = changes.filter(({ at }) => Math.floor(at) === second).map(({ state }) => state);
    return [second, phase, ...counts, errors[second] ?? 0, states.join(' ')]
      .map((cell) => String(cell).padStart(8))
      .join('');
  });
  const titles = ['second', '', '#1', '#2', '#3', 'errors', '  circuit of #1'];
  return [titles.map((title) => title.padStart(8)).join(''), ...lines].join('\n');
}

const perSecond = (): number[] => Array.from({ length: END }, () => 0);

function count(counts: number[], at: number): void {
  const second = Math.min(END - 1, Math.floor(at));
  counts[second] = (counts[second] ?? 0) + 1;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const seconds = (at: number | undefined, from = 0): string => (at === undefined ? '-' : `${(at - from).toFixed(2)} s`);
