import type { AgentSettings } from 'agentmq';
import { stockContracts } from 'agentmq/contracts';
import type { Store } from 'agentmq/message-store';
import {
  Audit,
  BulkChanges,
  type DeadLetterSelection,
  DeadLetters,
  type Discarded,
  knownContracts,
  Messages,
  type Requeued,
} from 'agentmq/operations';
import { commandActor } from '../command/actor.js';
import { confirmed } from '../command/confirm.js';
import { UsageError } from '../command/errors.js';
import type { JsonOption, ListOptions, YesOption } from '../command/options.js';
import { payloadText } from '../command/payload.js';
import { withStore } from '../command/with-store.js';
import { printMessage } from '../messages/message-text.js';
import { print, printJson, printPage, some } from '../output/index.js';
import { type BulkOptions, carryOut } from '../replay/carry-out.js';
import { groupsView, lettersView } from './dead-letter-text.js';

interface Filter {
  readonly group?: string;
  readonly type?: string;
  readonly consumer?: string;
  readonly from?: Date;
  readonly before?: Date;
  readonly error?: string;
}

export interface DeadLettersOptions extends Filter, ListOptions {
  readonly discarded: boolean;
}

export interface GroupsOptions extends ListOptions {
  readonly type?: string;
  readonly consumer?: string;
}

export type ShowOptions = JsonOption;

interface SelectionOptions extends Filter, BulkOptions {
  readonly all: boolean;
}

export interface RequeueOptions extends SelectionOptions {
  readonly payload?: string;
}

export interface DiscardOptions extends SelectionOptions {
  readonly reason: string;
}

const SENDER = 'operator';

/** Prints what is dead. */
export function listDeadLetters({ json, ...query }: DeadLettersOptions): Promise<void> {
  return withStore(async (store, settings) =>
    printPage(await deadLettersOf(store, settings).list(query), json, lettersView),
  );
}

/** Prints what failed alike. */
export function listGroups({ json, ...query }: GroupsOptions): Promise<void> {
  return withStore(async (store, settings) =>
    printPage(await deadLettersOf(store, settings).groups(query), json, groupsView),
  );
}

/** Prints one dead letter. Rejects with `MessageNotFoundError` or `NotDeadError`. */
export function show(id: string, { json }: ShowOptions): Promise<void> {
  return withStore(async (store, settings) => {
    await deadLettersOf(store, settings).where({ messageId: id });
    const view = await new Messages(store, contracts).read(id);
    if (json) printJson(view);
    else printMessage(view);
  });
}

/** Requeues one, or all that the filter leaves, or sends an edited one in its place. */
export async function requeue(id: string | undefined, options: RequeueOptions): Promise<void> {
  const { consumer, payload } = options;
  const selection = selectionOf(id, options);
  if (selection && payload !== undefined) throw new UsageError('--payload is for one message, not for several');
  const text = payload === undefined ? undefined : await payloadText(payload, '--payload');
  await withStore(async (store, settings) => {
    if (id === undefined || selection) {
      const changes = new BulkChanges(store, new Audit(store.database), settings.messaging);
      return carryOut('requeue', options, (run) => changes.requeue(commandActor(), selection ?? {}, run));
    }
    const letters = deadLettersOf(store, settings);
    const letter = { messageId: id, consumer };
    tell(
      text === undefined
        ? await letters.requeue(commandActor(), letter, asking('requeues', options))
        : await letters.requeueEdited(commandActor(), letter, text),
      'requeued',
      options,
    );
  });
}

/** Discards one wherever it is dead, or at one consumer; or all that the filter leaves. */
export async function discardDeadLetters(id: string | undefined, options: DiscardOptions): Promise<void> {
  const { reason, consumer } = options;
  const selection = selectionOf(id, options);
  await withStore(async (store, settings) => {
    if (id === undefined || selection) {
      const changes = new BulkChanges(store, new Audit(store.database), settings.messaging);
      return carryOut('discard', options, (run) => changes.discard(commandActor(), selection ?? {}, reason, run));
    }
    const letter = { messageId: id, consumer };
    const ask = asking('discards', options);
    tell(await deadLettersOf(store, settings).discard(commandActor(), letter, reason, ask), 'discarded', options);
  });
}

/** Undefined where one is named. Throws `UsageError` unless it is either one or several. */
function selectionOf(id: string | undefined, options: SelectionOptions): DeadLetterSelection | undefined {
  const { all, group, type, consumer, from, before, error, rate, dryRun } = options;
  const isSeveral = all || group !== undefined;
  if (isSeveral === (id !== undefined)) throw new UsageError('name one message, or --group <id>, or --all');
  if (isSeveral)
    return {
      ...(group === undefined ? {} : { group }),
      ...(type === undefined ? {} : { type }),
      ...(consumer === undefined ? {} : { consumer }),
      ...(from ? { from } : {}),
      ...(before ? { before } : {}),
      ...(error === undefined ? {} : { error }),
    };
  if ([type, from, before, error, rate].some((each) => each !== undefined) || dryRun)
    throw new UsageError('--type, --from, --before, --error, --rate and --dry-run are for --all and --group');
  return undefined;
}

/** Asks before one message is changed at several consumers. */
const asking =
  (does: string, options: YesOption) =>
  async (consumers: readonly string[]): Promise<void> => {
    const question = `This ${does} it at ${some(consumers.length, 'consumer')}: ${consumers.join(', ')}. Go on?`;
    if (consumers.length > 1) await confirmed(question, options);
  };

function tell(changed: Requeued | Discarded, done: string, { json }: JsonOption): void {
  const { id, consumers } = changed;
  if (json) printJson(changed);
  else if ('replacedBy' in changed) print(`sent ${changed.replacedBy} to ${consumers.join(', ')} in place of ${id}`);
  else for (const consumer of consumers) print(`${done} ${id} at ${consumer}`);
}

const contracts = knownContracts(stockContracts);

const deadLettersOf = (store: Store, { bus }: AgentSettings): DeadLetters =>
  new DeadLetters(store, new Audit(store.database), {
    sender: SENDER,
    maxMessageBytes: bus.maxMessageBytes,
    contracts,
  });
