import { Contract } from 'agentmq';
import { IsArray, IsInt, IsString } from 'class-validator';

@Contract({ type: 'order_placed', version: 2, keys: ['order', 'customer'], retry: { attempts: 2, delay: 20 } })
export class OrderPlaced {
  @IsInt()
  order!: number;

  @IsString()
  customer!: string;

  @IsArray()
  items!: string[];
}

@Contract({ type: 'reserve_stock', keys: ['order'], retry: { attempts: 3, delay: 150 } })
export class ReserveStock {
  @IsInt()
  order!: number;

  @IsArray()
  items!: string[];
}

@Contract({ type: 'ship_order', keys: ['order'] })
export class ShipOrder {
  @IsInt()
  order!: number;

  @IsString()
  customer!: string;
}

@Contract({ type: 'return_label', keys: ['order'] })
export class ReturnLabel {
  @IsInt()
  order!: number;
}

@Contract({ type: 'price_request' })
export class PriceRequest {
  @IsString()
  item!: string;
}

@Contract({ type: 'price' })
export class Price {
  @IsInt()
  cents!: number;
}

@Contract({ type: 'parse_reading' })
export class ParseReading {
  @IsString()
  line!: string;
}

@Contract({ type: 'rate_reading' })
export class RateReading {
  @IsString()
  city!: string;

  @IsInt()
  degrees!: number;
}
