import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { MOST_LISTED } from 'agentmq/operations';

const LONGEST_CURSOR = 2_048;

/** How many items a list is to have. */
export class LimitQuery {
  /** 1 to 1,000; 100 unless given. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MOST_LISTED)
  limit?: number;
}

/** Which page of a list is wanted: the queries of lists extend it. */
export class PagingQuery extends LimitQuery {
  /** The `next` of the page before. */
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_CURSOR)
  after?: string;
}
