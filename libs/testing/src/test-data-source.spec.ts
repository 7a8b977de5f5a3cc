import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { Agent, AgentClient, AgentModule, Handle } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { IsString } from 'class-validator';
import { Column, DataSource, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { TestSystem } from './index.js';

@Entity()
class Stock {
  @PrimaryColumn() product!: string;
  @Column() left!: number;
}

@Contract({ type: 'sale', transactional: true, retry: { attempts: 1 } })
class Sale {
  @IsString() product!: string;
}

@Contract({ type: 'sold' })
class Sold {
  @IsString() product!: string;
}

@Agent({ role: 'stock' })
class StockAgent {
  constructor(
    @InjectRepository(Stock) private readonly stock: Repository<Stock>,
    private readonly client: AgentClient,
  ) {}

  @Handle(Sale)
  async sell({ product }: Sale): Promise<void> {
    await this.stock.insert({ product, left: 1 });
    await this.client.publish('sales', Sold, { product });
    if (product === 'broken') throw new Error('it is broken');
  }
}

@Module({ imports: [TypeOrmModule.forFeature([Stock])], controllers: [StockAgent] })
class StockModule {}

/** As the app itself runs: with a server, which is not there in the test. */
@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: 'postgres://nowhere.invalid/', entities: [Stock] }),
    AgentModule.forRootAsync({ inject: [DataSource], useFactory: (dataSource: DataSource) => ({ dataSource }) }),
    StockModule,
  ],
})
class App {}

describe.each([
  ['a module that injects repositories', StockModule],
  ['the whole app', App],
])('%s, with its DataSource on the database of the system', (_, imported) => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.create({ imports: [imported], dataSource: { entities: [Stock] }, logger: false });
  });
  afterAll(() => system.close());

  it('what a transactional handler writes, sends and completes is committed together, or not at all', async () => {
    for (const product of ['tea', 'broken']) await system.send({ role: 'stock' }, Sale, { product });
    await system.quiet();
    expect(await system.get(DataSource).getRepository(Stock).find()).toEqual([{ product: 'tea', left: 1 }]);
    expect(await system.sent(Sold)).toMatchObject([{ payload: { product: 'tea' } }]);
    expect(await system.handled(Sale)).toMatchObject([{ payload: { product: 'tea' } }]);
    expect(await system.deadLetters()).toMatchObject([{ payload: { product: 'broken' } }]);
  });
});
