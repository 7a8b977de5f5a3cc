import { InvalidSelectionError } from 'agentmq/database';
import { type ConsumerName, openStates, type ReplaySelection, type Store } from 'agentmq/message-store';
import { Replayer, type ReplayerOptions, type ReplayProgress, type ReplayRun } from 'agentmq/messaging';
import { InvalidMessageError } from 'agentmq/protocol';
import type { Audit } from '../audit/audit.js';
import { agreeing, groupSelection } from '../dead-letters/groups.js';
import type { Actor } from '../views/changes.js';

/** Which dead letters; all that is given has to hold. */
export interface DeadLetterSelection extends Pick<
  ReplaySelection,
  'messageIds' | 'traceId' | 'type' | 'topic' | 'consumer' | 'from' | 'before' | 'error'
> {
  /** The id of a group. */
  readonly group?: string;
}

export type BulkRun = Pick<ReplayRun, 'dryRun' | 'rate' | 'atMost' | 'signal' | 'onProgress'>;

export interface Move {
  readonly from: ConsumerName;
  readonly to: ConsumerName;
}

/**
 * Changes of any number of deliveries, batch after batch; needs no broker. Each resolves and rejects as `Replayer.replay` does, and
 * one row of the audit tells how much it has changed.
 */
export class BulkChanges {
  private readonly replayer: Replayer;

  constructor(
    private readonly store: Pick<Store, 'replays' | 'outbox' | 'subscriptions'>,
    private readonly audit: Audit,
    options: ReplayerOptions,
  ) {
    this.replayer = new Replayer(store, options);
  }

  /** Puts stored messages on their way again, or (`to`) on their way to another consumer. */
  replay(actor: Actor, selection: ReplaySelection, run: BulkRun & Pick<ReplayRun, 'to'> = {}): Promise<ReplayProgress> {
    const entry = { action: 'replay', target: selectionText(selection, run.to) };
    return this.replayer.replay(selection, { ...run, also: this.audit.inBatches(actor, entry) });
  }

  /** Dead letters begin anew; those that were discarded only by their ids. */
  requeue(actor: Actor, selection: DeadLetterSelection, run: BulkRun = {}): Promise<ReplayProgress> {
    const entry = { action: 'dead-letters.requeue', target: selectionText(selection) };
    return this.deadLetters(selection, { ...run, also: this.audit.inBatches(actor, entry) });
  }

  /** `replayed` counts what was discarded. Rejects with `InvalidMessageError` for a reason that is blank, too. */
  async discard(
    actor: Actor,
    selection: DeadLetterSelection,
    reason: string,
    run: BulkRun = {},
  ): Promise<ReplayProgress> {
    if (reason.trim() === '') throw new InvalidMessageError('reason', 'is empty');
    const entry = { action: 'dead-letters.discard', target: selectionText(selection), reason };
    return this.deadLetters(selection, { ...run, discard: reason, also: this.audit.inBatches(actor, entry) });
  }

  /**
   * Makes what a consumer is subscribed to another one's: before {@link move}, so that nothing new is owed to it meanwhile. Resolves
   * with the topics. Rejects as {@link move} does.
   */
  async moveSubscriptions(actor: Actor, { from, to }: Move): Promise<string[]> {
    checkMove({ from, to });
    const entry = { action: 'subscriptions.move', target: `${from} to ${to}` };
    return this.store.subscriptions.move(from, to, this.audit.inBatches(actor, entry));
  }

  /** Makes what a consumer is owed another one's; with `dead` its dead letters too, which begin anew. Rejects for one consumer, too. */
  async move(
    actor: Actor,
    { from, to }: Move,
    { dead = false }: { readonly dead?: boolean } = {},
    run: BulkRun = {},
  ): Promise<ReplayProgress> {
    checkMove({ from, to });
    const selection = { consumer: from, states: dead ? ([...openStates, 'dead'] as const) : openStates };
    const also = this.audit.inBatches(actor, { action: 'move', target: `${from} to ${to}` });
    return this.replayer.replay(selection, { ...run, to, move: true, also });
  }

  private async deadLetters({ group, ...given }: DeadLetterSelection, run: ReplayRun): Promise<ReplayProgress> {
    const selection = group === undefined ? given : { ...given, ...agreeing(given, groupSelection(group)) };
    return this.replayer.replay({ ...selection, states: ['dead'] }, run);
  }
}

function checkMove({ from, to }: Move): void {
  if (from === to) throw new InvalidSelectionError('to', `is ${from} itself`);
}

/** What is selected, and whom it goes to if not to the consumers that it has, for people. */
export function selectionText(selection: ReplaySelection & DeadLetterSelection, to?: ConsumerName): string {
  const { messageIds, from, before, states, ...texts } = selection;
  const parts = [
    ...(messageIds === undefined ? [] : [messageIds.length === 1 ? `id ${messageIds[0]}` : `${messageIds.length} ids`]),
    ...Object.entries(texts).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${String(value)}`])),
    ...(from ? [`from ${from.toISOString()}`] : []),
    ...(before ? [`before ${before.toISOString()}`] : []),
    ...(states ? [`state ${states.join(' or ')}`] : []),
  ];
  return `${parts.join(', ') || 'all'}${to === undefined ? '' : ` to ${to}`}`;
}
