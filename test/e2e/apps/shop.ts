import { Injectable, Module, type Type } from '@nestjs/common';
import { AgentIdentity } from 'agentmq/agent';
import { Agent, AgentModule, Ctx, Handle, MessageContext, startAgent, Subscribe } from 'agentmq';
import { Database } from 'agentmq/database';
import { BareOrder, GiftOrder, NumberedOrder, Order, Refund, SHOP, Tick } from './shop-contracts.js';

/** What sets this release apart from the first one; its arguments. */
export type Change = 'type' | 'version' | 'topic' | 'topic-removed' | 'field' | 'field-removed' | 'queue-type';

const changes = new Set(process.argv.slice(2) as Change[]);

/** Leaves one row in the table `effects` for each message that it handles. */
@Injectable()
abstract class Desk {
  constructor(
    protected readonly identity: AgentIdentity,
    private readonly database: Database,
  ) {}

  protected async note(n: number, run: Pick<Database, 'query'>['query'] = this.database.query.bind(this.database)) {
    await run(`INSERT INTO "${this.database.schema}".effects (n, agent) VALUES ($1, $2)`, [n, this.identity.id]);
  }
}

@Agent({ role: SHOP })
class OrderDesk extends Desk {
  @Handle(Order)
  order({ n }: Order, @Ctx() { transaction }: MessageContext) {
    return this.note(n, (sql, values) => transaction.query(sql, values));
  }
}

@Agent({ role: SHOP })
class GiftDesk extends Desk {
  @Handle(GiftOrder)
  order({ n }: GiftOrder, @Ctx() { transaction }: MessageContext) {
    return this.note(n, (sql, values) => transaction.query(sql, values));
  }
}

@Agent({ role: SHOP })
class BareDesk extends Desk {
  @Handle(BareOrder)
  order({ n }: BareOrder, @Ctx() { transaction }: MessageContext) {
    return this.note(n, (sql, values) => transaction.query(sql, values));
  }
}

@Agent({ role: SHOP })
class NumberedDesk extends Desk {
  @Handle(NumberedOrder)
  order({ number }: NumberedOrder, @Ctx() { transaction }: MessageContext) {
    return this.note(number, (sql, values) => transaction.query(sql, values));
  }
}

@Agent({ role: SHOP })
class RefundDesk extends Desk {
  @Handle(Refund)
  refund({ n }: Refund) {
    return this.note(n);
  }
}

@Agent({ role: SHOP })
class SteadyDesk extends Desk {
  @Subscribe('steady.*', Tick)
  tick({ n }: Tick) {
    return this.note(n);
  }
}

@Agent({ role: SHOP })
class LegacyDesk extends Desk {
  @Subscribe('legacy.*', Tick)
  tick({ n }: Tick) {
    return this.note(n);
  }
}

@Agent({ role: SHOP })
class FreshDesk extends Desk {
  @Subscribe('fresh.*', Tick)
  tick({ n }: Tick) {
    return this.note(n);
  }
}

function orderDesk(): Type {
  if (changes.has('version')) return NumberedDesk;
  if (changes.has('field')) return GiftDesk;
  return changes.has('field-removed') ? BareDesk : OrderDesk;
}

@Module({
  imports: [AgentModule.forRoot()],
  controllers: [
    SteadyDesk,
    orderDesk(),
    ...(changes.has('type') ? [RefundDesk] : []),
    ...(changes.has('topic') ? [FreshDesk] : []),
    ...(changes.has('topic-removed') ? [] : [LegacyDesk]),
  ],
})
class ShopModule {}

await startAgent(ShopModule);
