/** Terms go up one by one, so none was ever reached beyond this one: what has such a term on record was not elected. */
export const HIGHEST_TERM = 2 ** 52;

/** What members of a group say to each other about their leader. Terms are whole numbers from 1 on. */
export type MachineMessage =
  /** Would you vote for me in this term? Asked before standing; the answer does not bind (thesis, 9.6). */
  | { readonly kind: 'pre_vote_request'; readonly term: number }
  /** `term`: the one asked about if granted, else the answerer's own. */
  | { readonly kind: 'pre_vote_answer'; readonly term: number; readonly granted: boolean }
  /** I stand in this term. `transfer`: on the word of the leader itself, so its being healthy is no objection. */
  | { readonly kind: 'vote_request'; readonly term: number; readonly transfer: boolean }
  | { readonly kind: 'vote_answer'; readonly term: number; readonly granted: boolean }
  /** I lead in this term. `round`: when this was sent, by the leader's own clock. */
  | { readonly kind: 'leading'; readonly term: number; readonly round: number }
  /** `round`: of the message that this answers, 0 if that was of an earlier term. A higher `term` than the leader's tells it that it is deposed. */
  | { readonly kind: 'following'; readonly term: number; readonly round: number }
  /** The leader wants you to stand at once (thesis, 3.10). */
  | { readonly kind: 'time_out_now'; readonly term: number };

export type ElectionEvent =
  /** Time has passed; due at {@link ElectionMachine.wakeAt}, harmless at any other time. */
  | { readonly type: 'tick' }
  | { readonly type: 'received'; readonly from: string; readonly message: MachineMessage }
  /** The members of the group; this member is one in any case. */
  | { readonly type: 'members'; readonly members: readonly string[] }
  /** The answer to `store`: whether it is durable now. Refused or unknown alike, nothing was promised. */
  | { readonly type: 'stored'; readonly term: number; readonly ok: boolean; readonly latest?: number }
  /** The answer to `claim`. `lost`: the group has that term, or a later one (`latest`), already. */
  | {
      readonly type: 'claimed';
      readonly term: number;
      readonly outcome: 'won' | 'lost' | 'failed';
      readonly latest?: number;
    }
  /** The answer to `confirm`, when there is one, with the term that it `asked` in; or `latest` alone, which refused a write. */
  | ({ readonly type: 'confirmed'; readonly asked?: number } & Pick<GroupRecord, 'latest'> & Partial<GroupRecord>)
  /** The database did not answer `confirm`. */
  | { readonly type: 'unread' }
  /** Give the leadership up, to the member that has answered last; nothing for others. */
  | { readonly type: 'resign' }
  /** Have another take the leadership over; nothing for others than the leader. */
  | { readonly type: 'transfer'; readonly to: string };

export type ElectionAction =
  /** To one member; undefined: to all others. */
  | { readonly type: 'send'; readonly to: string | undefined; readonly message: MachineMessage }
  /**
   * Make this vote durable, then answer with `stored`. It is to be refused when the member has voted in a later term, or
   * for another in this one; and when it is for another that has no vote for itself in this term on record. At most one is
   * under way at a time.
   */
  | { readonly type: 'store'; readonly term: number; readonly votedFor: string }
  /** Compare-and-set the group's term on record to this one, from a lower one; then answer with `claimed`. */
  | { readonly type: 'claim'; readonly term: number }
  /** Look at the group's record; then answer with `confirmed`. `term`: this member's. */
  | { readonly type: 'confirm'; readonly term: number }
  | { readonly type: 'elected'; readonly term: number }
  | { readonly type: 'deposed'; readonly term: number; readonly reason: DeposedReason }
  /** Another leads, as far as this member knows; undefined: none does. */
  | { readonly type: 'leader_changed'; readonly leader: string | undefined; readonly term: number };

/** Why a leader is none any more. */
export type DeposedReason = 'resigned' | 'no_majority' | 'higher_term' | 'superseded';

/** What is on record of a group. */
export interface GroupRecord {
  /** The term of the last leadership, and the agent that has it; 0 before the first. */
  readonly latest: number;
  readonly leader: string | undefined;
  /** The highest term that any member has voted or led in. */
  readonly highest: number;
}

/** What a member has on record when it starts: its vote, and the group's term. */
export interface ElectionRecord {
  readonly term: number;
  /** In `term`; undefined when it has not voted in it. */
  readonly votedFor: string | undefined;
  readonly group?: GroupRecord;
}
