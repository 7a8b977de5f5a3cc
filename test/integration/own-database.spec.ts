import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { Agent, AgentClient, Ctx, Handle, MessageContext } from 'agentmq/agent';
import { Tasks, TasksModule } from 'agentmq/coordination';
import { Store } from 'agentmq/message-store';
import { Contract } from 'agentmq/protocol';
import { IsInt, IsString } from 'class-validator';
import {
  Column,
  DataSource,
  Entity,
  type EntitySubscriberInterface,
  type EntityManager,
  EventSubscriber,
  PrimaryColumn,
  Repository,
  type TransactionCommitEvent,
} from 'typeorm';
import { databaseUrl, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Entity()
class Stock {
  @PrimaryColumn()
  sku!: string;

  @Column()
  by!: string;
}

@Contract({ type: 'order', transactional: true, retry: { attempts: 2, delay: 10 } })
class Order {
  @IsInt()
  n!: number;

  /** What goes wrong at the first attempt. */
  @IsString()
  trouble!: string;
}

@Contract({ type: 'slow_order', transactional: true, retry: { attempts: 1 } })
class SlowOrder {
  @IsInt()
  n!: number;
}

@Contract({ type: 'split_order', transactional: true, retry: { attempts: 1 } })
class SplitOrder {
  @IsInt()
  n!: number;

  @IsString()
  trouble!: string;
}

@Contract({ type: 'ordered' })
class Ordered {
  @IsInt()
  n!: number;
}

@Contract({ type: 'count_up' })
class CountUp {}

const ended: string[] = [];

/** Hears of the outermost transactions alone. */
@EventSubscriber()
class Endings implements EntitySubscriberInterface {
  afterTransactionCommit({ queryRunner }: TransactionCommitEvent): void {
    if (!queryRunner.isTransactionActive) ended.push('committed');
  }

  afterTransactionRollback({ queryRunner }: TransactionCommitEvent): void {
    if (!queryRunner.isTransactionActive) ended.push('rolled back');
  }
}

/** What nestjs-cls does, which Jest can't load: the transaction that this asynchronous flow is in. */
const open = new AsyncLocalStorage<EntityManager>();

@Injectable()
class Restocking {
  constructor(
    private readonly source: DataSource,
    private readonly agents: AgentClient,
    private readonly tasks: Tasks,
  ) {}

  /** Passes its transaction to nothing. Resolves with the id of the task that it has submitted. */
  restock(n: number, trouble = ''): Promise<string> {
    return this.source.transaction((manager) =>
      open.run(manager, async () => {
        await manager.insert(Stock, { sku: `${n} restock`, by: 'ambient' });
        await this.agents.send({ role: 'listener' }, Ordered, { n: n + 1_000 });
        const id = await this.tasks.submit(CountUp, {});
        if (trouble) throw new Error(id);
        return id;
      }),
    );
  }
}

/** As many apps write theirs. */
@Injectable()
class StockRepository extends Repository<Stock> {
  constructor(source: DataSource) {
    super(Stock, source.createEntityManager());
  }
}

describe("on the app's own DataSource", () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
  const schema = `${system.namespace}_app`;
  const ordered: number[] = [];
  const refusals: unknown[] = [];
  let app: INestApplicationContext;
  let source: DataSource;
  let agents: AgentClient;

  @Agent({ role: 'shop' })
  class Shop {
    constructor(
      @InjectRepository(Stock) private readonly injected: Repository<Stock>,
      private readonly custom: StockRepository,
      private readonly dataSource: DataSource,
      private readonly restocking: Restocking,
      private readonly client: AgentClient,
    ) {}

    @Handle(Order)
    async order({ n, trouble }: Order, @Ctx() { attempt, transaction }: MessageContext): Promise<void> {
      const stock = (by: string): Stock => Object.assign(new Stock(), { sku: `${n} ${by}`, by });
      await this.injected.save(stock('injected'));
      await this.custom.insert(stock('custom'));
      await transaction.manager.getRepository(Stock).save(stock('transaction.manager'));
      await this.dataSource.getTreeRepository(Stock).insert(stock('dataSource.getTreeRepository'));
      await this.dataSource.query(`INSERT INTO ${schema}.stock VALUES ($1, $2)`, [`${n} query`, 'query']);
      await this.dataSource.createQueryBuilder().insert().into(Stock).values(stock('query builder')).execute();
      await this.dataSource.transaction((manager) => manager.save(stock('dataSource.transaction')));
      await this.restocking.restock(n);
      await this.client.send({ role: 'listener' }, Ordered, { n });
      if (trouble === 'fails' && attempt === 1) throw new Error('after the writes');
    }

    /** Goes on writing after its time is over. */
    @Handle(SlowOrder, { timeout: 100 })
    async slow({ n }: SlowOrder, @Ctx() { transaction }: MessageContext): Promise<void> {
      const refused = (error: unknown): number => refusals.push(error);
      await this.dataSource.transaction(() => transaction.query('SELECT pg_sleep(0.2)')).catch(refused);
      await this.injected.insert({ sku: `${n} late`, by: 'late' }).catch(refused);
    }
  }

  @Agent({ role: 'splitter' })
  class Splitter {
    constructor(
      @InjectRepository(Stock) private readonly injected: Repository<Stock>,
      private readonly dataSource: DataSource,
    ) {}

    /** Its parts are services that know nothing of each other. */
    @Handle(SplitOrder)
    async split({ n, trouble }: SplitOrder): Promise<void> {
      const insert = (by: string): Promise<unknown> => this.injected.insert({ sku: `${n} ${by}`, by });
      const part = (by: string): Promise<void> =>
        this.dataSource.transaction(async () => {
          await insert(by);
          await this.dataSource.transaction(() => insert(`${by} inside`));
          if (by === 'b') throw new Error('changed its mind');
        });
      await Promise.allSettled(['a', 'b', 'c'].map(part));
      if (trouble === 'commits') await this.dataSource.manager.queryRunner?.commitTransaction();
      if (trouble !== 'goes on') return;
      await insert('a').catch(() => undefined);
      // TypeORM answers that no savepoint can be set by a rollback
      await part('d').catch(() => undefined);
      await insert('e').catch(() => undefined);
    }
  }

  @Agent({ role: 'listener' })
  class Listener {
    @Handle(Ordered)
    hear({ n }: Ordered): void {
      ordered.push(n);
    }
  }

  beforeAll(async () => {
    await system.store.database.query(`CREATE SCHEMA ${schema}`);
    await system.start({ id: 'listener-1', controllers: [Listener] });
    app = await system.start({
      id: 'shop-1',
      controllers: [Shop, Splitter],
      providers: [StockRepository, Restocking],
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: databaseUrl(),
          schema,
          entities: [Stock],
          subscribers: [Endings],
          synchronize: true,
          // which holds for all that pg reads in this process
          parseInt8: true,
        }),
        TypeOrmModule.forFeature([Stock]),
        TasksModule,
      ],
      database: {
        inject: [DataSource],
        useFactory: (dataSource: DataSource) => ({ dataSource, currentTransaction: () => open.getStore() }),
      },
    });
    source = app.get(DataSource);
    agents = app.get(AgentClient);
  });
  beforeEach(() => void [ordered.splice(0), ended.splice(0)]);
  afterAll(async () => {
    await system.store.database.query(`DROP SCHEMA ${schema} CASCADE`);
    await system.close();
  });

  const written = async (n: number): Promise<string[]> => {
    const found = await source.getRepository(Stock).find({ order: { by: 'ASC' } });
    return found.filter(({ sku }) => sku.startsWith(`${n} `)).map(({ by }) => by);
  };
  const all = [
    'ambient',
    'custom',
    'dataSource.getTreeRepository',
    'dataSource.transaction',
    'injected',
    'query',
    'query builder',
    'transaction.manager',
  ];
  const stateOf = async (id: string) => (await system.store.history.find(id))?.deliveries[0]?.state;

  it("commits what the app's repositories write, what it sent, and its completion together", async () => {
    const { messageId } = await agents.send({ role: 'shop' }, Order, { n: 1, trouble: 'fails' });
    await until('completion', async () => (await stateOf(messageId)) === 'completed');
    // the first attempt, which had written all of it too, would be in the way of the second
    expect((await system.store.history.find(messageId))?.deliveries[0]?.history).toHaveLength(1);
    expect(await written(1)).toEqual(all);
    await until('what it sent', () => ordered.length > 0);
    await until('what a method in it sent', () => ordered.length === 2);
    expect(ordered.toSorted((a, b) => a - b)).toEqual([1, 1_001]);
    expect(ended).toEqual(['rolled back', 'committed']);
  });

  it('has transactions inside of it follow each other, and ends with its handler alone', async () => {
    const split = async (n: number, trouble: string): Promise<readonly unknown[]> => {
      const { messageId } = await agents.send({ role: 'splitter' }, SplitOrder, { n, trouble });
      await until('its end', async () => ['completed', 'dead'].includes((await stateOf(messageId)) ?? ''));
      const code = (await system.store.history.find(messageId))?.deliveries[0]?.history[0]?.error?.code;
      return [code, await written(n)];
    };
    expect(await split(40, '')).toEqual([undefined, ['a', 'a inside', 'c', 'c inside']]);
    expect(await split(41, 'commits')).toEqual(['TRANSACTION_OWNED', []]);
    expect(await split(42, 'goes on')).toEqual([expect.any(String), []]);
  });

  it('whose handler goes on after its time is over writes nothing by them', async () => {
    const { messageId } = await agents.send({ role: 'shop' }, SlowOrder, { n: 2 });
    await until('its end', async () => (await stateOf(messageId)) === 'dead');
    await until('its late write', () => refusals.length > 1);
    expect(refusals).toMatchObject([{ code: 'TRANSACTION_ENDED' }, { code: 'TRANSACTION_ENDED' }]);
    expect(await written(2)).toEqual([]);
  });

  it("goes out as soon as the app's own transaction is committed, and not with a savepoint that is rolled back", async () => {
    const waits: number[] = [];
    for (let n = 10; n < 15; n++) {
      let committing = 0;
      await source.transaction(async (transaction) => {
        const send = (m: number): Promise<unknown> =>
          agents.send({ role: 'listener' }, Ordered, { n: m }, { transaction });
        await send(n);
        const nested = transaction.transaction(async () => {
          await send(-n);
          throw new Error('changed my mind');
        });
        await expect(nested).rejects.toThrow('changed my mind');
        await transaction.transaction(() => send(n + 100));
        committing = performance.now();
      });
      await until('both', () => ordered.includes(n) && ordered.includes(n + 100), 10_000, 5);
      waits.push(performance.now() - committing);
    }
    expect(ordered).toHaveLength(10);
    // a relay that is not woken looks once a second
    expect(waits.toSorted((a, b) => a - b)[2]).toBeLessThan(400);
  });

  it('is sent and submitted in the transaction that the app has open, without being given it', async () => {
    const [restocking, tasks] = [app.get(Restocking), app.get(Tasks)];
    const id = await restocking.restock(20);
    const rolledBack = await restocking.restock(21, 'trouble').catch(({ message }: Error) => message);
    // as a library that puts its transaction in the place of the manager
    await source
      .transaction(async (manager) => {
        Object.defineProperty(source, 'manager', { configurable: true, value: manager });
        await agents.send({ role: 'listener' }, Ordered, { n: 22 });
        expect(ordered).not.toContain(22);
        throw new Error('changed my mind');
      })
      .catch(() => undefined);
    Object.defineProperty(source, 'manager', { configurable: true, value: source.createEntityManager() });
    await agents.send({ role: 'listener' }, Ordered, { n: 23 });
    await until('all that was committed', () => ordered.includes(1_020) && ordered.includes(23));
    expect(ordered.toSorted((a, b) => a - b)).toEqual([23, 1_020]);
    expect([(await tasks.find(id))?.state, await tasks.find(rolledBack)]).toEqual(['queued', undefined]);
    expect([await written(20), await written(21)]).toEqual([['ambient'], []]);
  });

  it("goes on without the app's pool, and waits for it with a transaction", async () => {
    const runners = Array.from({ length: 10 }, () => source.createQueryRunner());
    await Promise.all(runners.map((runner) => runner.connect()));
    const { messageId } = await agents.send({ role: 'shop' }, Order, { n: 30, trouble: '' });
    await agents.send({ role: 'listener' }, Ordered, { n: 31 });
    await until('what needs no transaction', () => ordered.includes(31));
    await until('its claim', async () => (await stateOf(messageId)) === 'processing');
    await Promise.all(runners.map((runner) => runner.release()));
    await until('completion', async () => (await stateOf(messageId)) === 'completed');
    expect(await written(30)).toEqual(all);
  });

  it('sends nothing where currentTransaction tells something else than a manager', async () => {
    const runner = (): EntityManager => source.createQueryRunner() as unknown as EntityManager;
    const { namespace } = system;
    const { database } = Store.connect({ url: '', namespace, dataSource: source, currentTransaction: runner });
    expect(() => database.ambient).toThrow(expect.objectContaining({ code: 'DATA_SOURCE' }));
    await database.close();
  });

  it('that is being destroyed is away, which may pass: the store is not closed', async () => {
    const dataSource = await new DataSource({ type: 'postgres', url: databaseUrl() }).initialize();
    const store = Store.connect({ url: '', namespace: system.namespace, dataSource });
    const destroyed = dataSource.destroy();
    const away = { code: 'STORE_UNAVAILABLE', retryable: true };
    await expect(store.database.transaction(() => Promise.resolve())).rejects.toMatchObject(away);
    await destroyed;
    await expect(store.database.transaction(() => Promise.resolve())).rejects.toMatchObject(away);
    await store.database.close();
  });

  it.each([
    ['is no DataSource', () => ({}) as DataSource],
    ['is of type sqljs', () => Object.assign(Object.create(source), { options: { type: 'sqljs' } }) as DataSource],
    ['is not initialised', () => new DataSource({ type: 'postgres' })],
    ['has a driver of its own', () => Object.assign(Object.create(source), { driver: { master: {} } }) as DataSource],
    ['has the entity Stock in the schema', () => source, schema],
  ])('is refused where it %s', (problem, dataSource, namespace = system.namespace) => {
    const url = '';
    const connect = (): Store => Store.connect({ url, namespace, dataSource: dataSource() });
    expect(connect).toThrow(
      expect.objectContaining({ code: 'DATA_SOURCE', message: expect.stringContaining(problem) }),
    );
  });

  it("leaves AgentMQ's tables alone when it makes the app's anew", async () => {
    const before = await system.store.history.counts();
    await source.synchronize(true);
    expect(await system.store.history.counts()).toEqual(before);
    expect(await written(1)).toEqual([]);
  });
});
