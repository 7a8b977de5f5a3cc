import {
  IsIn,
  IsISO8601,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { Type } from 'class-transformer';
import { Contract } from 'agentmq/protocol';

/** How the votes on a proposal become its outcome; see docs/inside/consensus.md. */
export const VOTING_RULES = ['majority', 'two-thirds', 'unanimous', 'weighted'] as const;
export type VotingRule = (typeof VOTING_RULES)[number];

export const CHOICES = ['for', 'against', 'abstain'] as const;
export type Choice = (typeof CHOICES)[number];

export const VOTING_RESULTS = ['approved', 'rejected', 'no_quorum'] as const;
export type VotingResult = (typeof VOTING_RESULTS)[number];

/** Postgres has no text with NUL in it. */
const withoutNul = Matches(/^[^\0]*$/, { message: '$property must not contain NUL' });

/** Asks an elector for its vote on a proposal. Sent to each; expires when the voting ends. */
@Contract({ type: 'vote_request', durable: true })
export class VoteRequest {
  @IsUUID()
  proposalId!: string;

  @IsString()
  @Length(1, 1_000)
  subject!: string;

  @IsOptional()
  @IsObject()
  content?: object;

  @IsIn(VOTING_RULES)
  rule!: VotingRule;

  /** Agent id of the proposer. */
  @IsString()
  @Length(1, 128)
  proposer!: string;

  /** Where the vote is to be sent. */
  @IsString()
  @Length(1, 128)
  role!: string;

  /** RFC 3339: a vote that is cast later is not counted. */
  @IsISO8601({ strict: true })
  closesAt!: string;
}

/** A vote on a proposal. Sent to the proposer's role; the message's sender is the voter. */
@Contract({ type: 'vote', durable: true, transactional: true, retry: { attempts: 20 } })
export class CastVote {
  @IsUUID()
  proposalId!: string;

  @IsIn(CHOICES)
  choice!: Choice;

  @IsString()
  @MaxLength(10_000)
  @withoutNul
  reason!: string;
}

/** The time for votes on a proposal is over. From the proposer to its own role, delivered then. */
@Contract({ type: 'close_proposal', durable: true, retry: { attempts: 20 } })
export class CloseProposal {
  @IsUUID()
  proposalId!: string;
}

/** How much of an electorate's weight did what; 1 for each elector unless the rule is `weighted`. */
export class VotingTally {
  @IsNumber()
  @Min(0)
  for!: number;

  @IsNumber()
  @Min(0)
  against!: number;

  @IsNumber()
  @Min(0)
  abstain!: number;

  /** Of electors that have not voted. */
  @IsNumber()
  @Min(0)
  silent!: number;
}

/** A proposal has its outcome, which never changes. Broadcast, in the transaction that decides. */
@Contract({ type: 'proposal_decided', durable: true })
export class ProposalDecided {
  @IsUUID()
  proposalId!: string;

  @IsString()
  @Length(1, 1_000)
  subject!: string;

  @IsString()
  @Length(1, 128)
  proposer!: string;

  @IsIn(VOTING_RESULTS)
  outcome!: VotingResult;

  @ValidateNested()
  @Type(() => VotingTally)
  tally!: VotingTally;
}
