import { setTimeout as delay } from 'node:timers/promises';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { Agent, AgentIdentity, AgentModule, Ctx, loadSettings, startAgent, startEmbeddedAgent } from 'agentmq/agent';
import { CoordinatorsModule, Delegation, Task, TaskContext, TasksModule } from 'agentmq/coordination';
import { Store } from 'agentmq/message-store';
import { CountPrimes, countPrimes, type Level, LEVELS, PrimesCounted, split } from './contracts.js';

/** A lead splits its part into so many for its workers, the others into three for the next level. */
const PIECES: Record<Level, number> = { ceo: 3, manager: 3, lead: 12, worker: 0 };
const CONCURRENCY: Record<Level, number> = { ceo: 4, manager: 4, lead: 4, worker: 1 };

/** Writes down what its method does: that it has begun, and that it was told to stop. */
class Member {
  constructor(
    private readonly level: Level,
    private readonly identity: AgentIdentity,
    private readonly delegation: Delegation,
    private readonly store: Store,
  ) {}

  protected async count(part: CountPrimes, { task, signal }: TaskContext): Promise<PrimesCounted> {
    signal.addEventListener('abort', () => void this.note(task?.id, 'stopped'));
    await this.note(task?.id, 'begun');
    const next = LEVELS[LEVELS.indexOf(this.level) + 1];
    if (!next) {
      const primes = countPrimes(part.from, part.to);
      await delay(part.ms, undefined, { signal });
      return { primes };
    }
    const { results } = await this.delegation.delegate(CountPrimes, split(part, PIECES[this.level]), {
      to: { role: next },
      answer: PrimesCounted,
    });
    return { primes: results.reduce((sum, { primes }) => sum + primes, 0) };
  }

  private async note(task: string | undefined, what: string): Promise<void> {
    const { id } = this.identity;
    await this.store.database.query(
      `INSERT INTO "${this.store.database.schema}".notes (task, agent, what) VALUES ($1, $2, $3)`,
      [task, id, what],
    );
  }
}

function memberOf(level: Level): Type {
  @Agent({ role: level, concurrency: CONCURRENCY[level] })
  class OfLevel extends Member {
    constructor(identity: AgentIdentity, delegation: Delegation, store: Store) {
      super(level, identity, delegation, store);
    }

    @Task(CountPrimes)
    countPrimes(part: CountPrimes, @Ctx() context: TaskContext): Promise<PrimesCounted> {
      return this.count(part, context);
    }
  }
  return OfLevel;
}

@Agent({ role: 'coordinator' })
class Coordinator {}

/** For each process: there are many. */
const POOL_SIZE = 4;

/** Agents in one process, and one connection pool. The first has the process's settings. */
const [first = '', ...others] = process.argv.slice(2);
const own = loadSettings();
const store = Store.connect({ url: own.database.url, namespace: own.namespace, poolSize: POOL_SIZE });

function moduleOf(id: string): DynamicModule {
  const level = LEVELS.find((each) => id.startsWith(each));
  @Module({})
  class MemberModule {}
  return {
    module: MemberModule,
    imports: [
      AgentModule.forRoot({ settings: { ...own, agentId: id }, store }),
      TasksModule,
      ...(level ? [] : [CoordinatorsModule]),
    ],
    controllers: [level ? memberOf(level) : Coordinator],
  };
}

for (const id of others) await startEmbeddedAgent(moduleOf(id));
await startAgent(moduleOf(first));
