import { IsBoolean, IsIn, IsInt, IsNumber, IsString, Length, Max, Min, ValidateIf } from 'class-validator';
import { Contract } from 'agentmq/protocol';
import type { MachineMessage } from './protocol.js';

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

/** What members of a group tell each other about its leader. See docs/inside/election.md. */
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

/** Where messages to all members of a group go. */
export const topicToAll = (group: string): string => `election.${group}.all`;

/** Where messages to one member of a group go. */
export const topicTo = (group: string, member: string): string => `election.${group}.to.${member}`;

const CAPABILITY = 'election.';

/** By which the members of a group know each other in the registry. */
export const capabilityOf = (group: string): string => `${CAPABILITY}${group}`;

/** The election group that a capability stands for; undefined for any other capability. */
export const groupOf = (capability: string): string | undefined =>
  capability.startsWith(CAPABILITY) ? capability.slice(CAPABILITY.length) : undefined;

/** How a message travels. */
export const toElectionMessage = (
  sender: { readonly group: string; readonly from: string; readonly incarnation: number },
  message: MachineMessage,
): ElectionMessage => Object.assign(new ElectionMessage(), sender, message);

/** What was said; its contract has been checked. */
export function toMachineMessage({
  kind,
  term,
  granted = false,
  transfer = false,
  round = 0,
}: ElectionMessage): MachineMessage {
  switch (kind) {
    case 'pre_vote_answer':
    case 'vote_answer':
      return { kind, term, granted };
    case 'vote_request':
      return { kind, term, transfer };
    case 'leading':
    case 'following':
      return { kind, term, round };
    default:
      return { kind, term };
  }
}
