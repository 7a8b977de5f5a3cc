import { readFile } from 'node:fs/promises';
import type { AgentSettings } from 'agentmq/agent';
import { deadLetterRows, deadRef, deadRefs, knownContracts, messageView } from 'agentmq/apps/monitor';
import { validatePayload } from 'agentmq/protocol';
import type { Store } from 'agentmq/message-store';
import { DeadLetters } from 'agentmq/messaging';
import { note, print, printJson } from '../output.js';
import { renderDeadLetter, renderDeadLetters } from './dead-letter-text.js';
import { UsageError } from './errors.js';
import { replayAll } from './replay.js';
import { withStore } from './with-store.js';

export interface ListOptions {
  readonly type?: string;
  readonly consumer?: string;
  readonly limit: number;
  readonly after?: string;
  readonly discarded: boolean;
  readonly json: boolean;
}

export interface ShowOptions {
  readonly json: boolean;
}

export interface RequeueOptions {
  readonly consumer?: string;
  readonly payload?: string;
  readonly all: boolean;
  readonly type?: string;
  readonly rate?: number;
  readonly dryRun: boolean;
}

export interface DiscardOptions {
  readonly reason: string;
  readonly consumer?: string;
}

const SENDER = 'operator';
const REQUEUED = ['dead', 'expired'] as const;

/** Prints a table (or JSON, a row each) of what is dead. */
export function listDeadLetters({ json, ...filter }: ListOptions): Promise<void> {
  return withStore(async (store, settings) => {
    const stored = await deadLettersOf(store, settings).list(filter);
    const rows = stored.flatMap((each) => deadLetterRows(each, filter));
    const last = stored.length < filter.limit ? undefined : stored.at(-1)?.message.messageId;
    if (json) printJson(rows);
    else print(...renderDeadLetters(rows, process.stdout.columns));
    if (!json && last !== undefined) note(`there may be more: --after ${last}`);
  });
}

/** Prints one dead letter. Rejects with `MessageNotFoundError` or `NotDeadError`. */
export function show(id: string, { json }: ShowOptions): Promise<void> {
  return withStore(async (store, settings) => {
    const ref = await deadRefs(store.history, id).then(([first]) => first ?? { messageId: id, consumer: '' });
    const { stored } = await deadLettersOf(store, settings).read(ref);
    const view = messageView(stored, knownContracts());
    if (json) printJson(view);
    else print(...renderDeadLetter(view));
  });
}

/** Requeues one, or with `all` what the filter leaves, or sends an edited one in its place. */
export async function requeue(id: string | undefined, options: RequeueOptions): Promise<void> {
  const { all, consumer, payload, type, rate, dryRun } = options;
  if (all === (id !== undefined)) throw new UsageError('name one message, or --all');
  if (all && payload !== undefined) throw new UsageError('--payload is for one message, not for --all');
  if (!all && (type !== undefined || rate !== undefined || dryRun)) {
    throw new UsageError('--type, --rate and --dry-run are for --all');
  }
  const text = payload === undefined ? undefined : await payloadOf(payload);
  await withStore(async (store, settings) => {
    if (id === undefined) {
      const selection = { ...(type === undefined ? {} : { type }), ...(consumer === undefined ? {} : { consumer }) };
      const run = { dryRun, ...(rate === undefined ? {} : { rate }) };
      return replayAll(store, settings.messaging.outboxLimit, { ...selection, states: ['dead'] }, run);
    }
    if (text !== undefined) return replace(store, settings, id, consumer, text);
    const letters = deadLettersOf(store, settings);
    for (const ref of await deadRefs(store.history, id, consumer, REQUEUED)) {
      await letters.requeue(ref);
      print(`requeued ${id} at ${ref.consumer}`);
    }
  });
}

/** Discards one wherever it is dead, or at one consumer. */
export function discardDeadLetters(id: string, { reason, consumer }: DiscardOptions): Promise<void> {
  return withStore(async (store, settings) => {
    const letters = deadLettersOf(store, settings);
    for (const ref of await deadRefs(store.history, id, consumer)) {
      await letters.discard(ref, reason);
      print(`discarded ${id} at ${ref.consumer}`);
    }
  });
}

async function replace(
  store: Store,
  settings: AgentSettings,
  id: string,
  consumer: string | undefined,
  text: string,
): Promise<void> {
  const letters = deadLettersOf(store, settings);
  const ref = await deadRef(store.history, id, consumer, REQUEUED);
  const { message } = (await letters.read(ref)).stored;
  const contract = knownContracts().find(message.type, message.version);
  if (contract) validatePayload(contract, parsed(text), message.version);
  print(`sent ${await letters.requeueEdited(ref, text)} to ${ref.consumer} in place of ${id}`);
}

async function payloadOf(option: string): Promise<string> {
  const file = option.startsWith('@') ? option.slice(1) : undefined;
  const text =
    file === undefined
      ? option
      : await readFile(file, 'utf8').catch((error: unknown) => {
          throw new UsageError(`--payload: ${file} can't be read`, { cause: error });
        });
  parsed(text);
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError('--payload: is not JSON', { cause: error });
  }
}

const deadLettersOf = (store: Store, { messaging: { outboxLimit }, bus }: AgentSettings): DeadLetters =>
  new DeadLetters(store, { sender: SENDER, outboxLimit, maxMessageBytes: bus.maxMessageBytes });
