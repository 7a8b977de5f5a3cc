import { IsBoolean, IsIn, IsInt, IsNumber, IsString, Length, Max, Min, ValidateIf } from 'class-validator';
import { Contract } from 'agentmq/protocol';

const KINDS = [
  'pre_vote_request',
  'pre_vote_answer',
  'vote_request',
  'vote_answer',
  'leading',
  'following',
  'time_out_now',
] as const;

/** Far above any term that is reached, and below 2^53, from where doubles have gaps. */
const MAX_TERM = 2 ** 52;

const ofKind = (...kinds: readonly ElectionMessage['kind'][]): PropertyDecorator =>
  ValidateIf(({ kind }: ElectionMessage) => kinds.includes(kind));

/** What members of a group tell each other about its leader; docs/COORDINATION.md says what each kind means. */
@Contract({ type: 'election_message', durable: false })
export class ElectionMessage {
  @IsString()
  @Length(1, 100)
  group!: string;

  /** Agent id of the sender. */
  @IsString()
  @Length(1, 128)
  from!: string;

  /** The sender's incarnation in the registry: a lower one than the registry has is of an instance that was replaced. */
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  incarnation!: number;

  @IsIn(KINDS)
  kind!: (typeof KINDS)[number];

  @IsInt()
  @Min(0)
  @Max(MAX_TERM)
  term!: number;

  /** Of answers to requests only. */
  @ofKind('pre_vote_answer', 'vote_answer')
  @IsBoolean()
  granted?: boolean;

  /** Of a vote request only: the leader itself asked the sender to take over. */
  @ofKind('vote_request')
  @IsBoolean()
  transfer?: boolean;

  /** Of `leading`, and of `following`, which answers it: when it was sent, by the leader's own clock, in ms. */
  @ofKind('leading', 'following')
  @IsNumber()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  round?: number;
}
