import 'reflect-metadata';
import { Controller, Delete, Injectable, Module, type ModuleMetadata, Put } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Agent, AgentIdentity, AgentModule, Ctx, Handle, MessageContext, startAgent } from 'agentmq/agent';
import { Store } from 'agentmq/message-store';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import {
  Harmful,
  ledgerSchema,
  Numbered,
  NumberedFailing,
  NumberedFragile,
  NumberedTransactional,
  ROLE,
} from '../numbered.js';
import { doomedHandler, doomedStore, strike } from './doomed.js';
import { Effects, TransactionalEffect } from './effects.js';
import { readVariables } from './variables.js';

const { databaseUrl: url, namespace, doom, held, byRepository, handlerMs, concurrency, prefetch } = readVariables();

/** Where handlers wait while the suite tells them to. */
@Injectable()
class Gate {
  private closed: Promise<void> | undefined;
  private opening: () => void = () => undefined;

  constructor() {
    if (held) this.close();
  }

  close(): void {
    this.closed ??= new Promise((resolve) => (this.opening = resolve));
  }

  open(): void {
    this.opening();
    this.closed = undefined;
  }

  async pass(): Promise<void> {
    await this.closed;
    if (handlerMs > 0) await delay(handlerMs);
  }
}

/** `PUT` holds all handlers that begin from now on, `DELETE` lets them go. */
@Controller('gate')
class GateController {
  constructor(private readonly gate: Gate) {}

  @Put()
  close(): void {
    this.gate.close();
  }

  @Delete()
  open(): void {
    this.gate.open();
  }
}

@Agent({ role: ROLE, concurrency, prefetch })
class Counter {
  private readonly mayDie = doomedHandler(doom);

  constructor(
    private readonly effects: Effects,
    private readonly gate: Gate,
    private readonly identity: AgentIdentity,
  ) {}

  @Handle(Numbered)
  async plain({ n }: Numbered): Promise<void> {
    await this.gate.pass();
    await this.effects.write(n, this.identity.id);
    await this.mayDie();
  }

  @Handle(NumberedTransactional, { transactional: true })
  async inTransaction({ n }: NumberedTransactional, @Ctx() { transaction }: MessageContext): Promise<void> {
    await this.gate.pass();
    await this.effects.writeIn(transaction, n, this.identity.id);
    await this.mayDie();
  }

  @Handle(NumberedFragile)
  async fragile({ n, deadly }: NumberedFragile): Promise<void> {
    await this.gate.pass();
    if (deadly) await strike('SIGKILL');
    await this.effects.write(n, this.identity.id);
  }

  /** Its own database session dies under it. */
  @Handle(Harmful, { transactional: true })
  async harmful(_: Harmful, @Ctx() { transaction }: MessageContext): Promise<void> {
    await transaction.query('SELECT pg_terminate_backend(pg_backend_pid())');
  }

  @Handle(NumberedFailing)
  async failing({ n }: NumberedFailing): Promise<void> {
    if ((await this.effects.attempt(n)) === 1) throw new Error('the first attempt fails');
    await this.effects.write(n, this.identity.id);
  }
}

const onOwnDataSource = (): ModuleMetadata['imports'] => [
  TypeOrmModule.forRoot({ type: 'postgres', url, schema: ledgerSchema(namespace), entities: [TransactionalEffect] }),
  TypeOrmModule.forFeature([TransactionalEffect]),
  AgentModule.forRootAsync({ inject: [DataSource], useFactory: (dataSource: DataSource) => ({ dataSource }) }),
];

const onStore = (): ModuleMetadata['imports'] => [
  AgentModule.forRoot({ store: doomedStore(Store.connect({ url, namespace }), doom) }),
];

@Module({
  imports: byRepository ? onOwnDataSource() : onStore(),
  controllers: [Counter, GateController],
  providers: [Effects, Gate],
})
class ConsumerModule {}

await startAgent(ConsumerModule);
