import { Contract } from 'agentmq';
import { IsInt, IsOptional, IsString } from 'class-validator';

/** The role whose instances are replaced. */
export const SHOP = 'shop';

/** An order as the first release has it. */
@Contract({ type: 'shop_order', transactional: true })
export class Order {
  @IsInt()
  n!: number;

  @IsOptional()
  @IsString()
  note?: string;
}

/** A release that has added a field. */
@Contract({ type: 'shop_order', transactional: true })
export class GiftOrder extends Order {
  @IsOptional()
  @IsString()
  gift?: string;
}

/** A release that has removed the optional field. */
@Contract({ type: 'shop_order', transactional: true })
export class BareOrder {
  @IsInt()
  n!: number;
}

/** A release in which the number has another name. */
@Contract({
  type: 'shop_order',
  version: 2,
  transactional: true,
  upcast: { 1: ({ n }: Order) => ({ number: n }) },
})
export class NumberedOrder {
  @IsInt()
  number!: number;
}

/** A type that only a newer release handles. */
@Contract({ type: 'shop_refund' })
export class Refund {
  @IsInt()
  n!: number;
}

/** Published to topics. */
@Contract({ type: 'shop_tick' })
export class Tick {
  @IsInt()
  n!: number;
}
