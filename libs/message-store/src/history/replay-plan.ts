import { checkTopicPattern, parseRecipient } from 'agentmq/protocol';
import { InvalidSelectionError } from 'agentmq/database';
import { checkLimit, checkMs } from '../checks.js';
import { type ConsumerName, DELIVERY_STATES, type DeliveryState, openStates } from '../deliveries/delivery.js';
import { type Place, readCursor } from './replay-cursor.js';
import type { ReplayOptions, ReplaySelection } from './replay-selection.js';

const DEFAULT_LIMIT = 1000;

/** A replay that was asked for, checked, with every default filled in. */
export interface ReplayPlan extends ReplaySelection {
  /** Undefined: messages are selected whatever their deliveries, those without any included. */
  readonly states: readonly DeliveryState[] | undefined;
  readonly to?: ConsumerName | undefined;
  readonly move: boolean;
  readonly undiscarded: boolean;
  readonly dryRun: boolean;
  readonly limit: number;
  readonly after: Place | undefined;
}

/** Throws {@link InvalidSelectionError}, or `InvalidMessageError` for a topic that is no pattern. */
export function planReplay(selection: ReplaySelection, options: ReplayOptions): ReplayPlan {
  const { to, move = false, undiscarded = false, dryRun = false, after } = options;
  if (selection.topic !== undefined) checkTopicPattern(selection.topic);
  for (const state of selection.states ?? []) {
    if (!DELIVERY_STATES.includes(state)) {
      throw new InvalidSelectionError('states', `"${state}" is none of ${DELIVERY_STATES.join(', ')}`);
    }
  }
  for (const field of ['from', 'before'] as const) {
    const date = selection[field];
    if (date && Number.isNaN(date.getTime())) throw new InvalidSelectionError(field, 'is not a date');
  }
  if (selection.quietMs !== undefined) checkMs('quietMs', selection.quietMs);
  for (const [field, name] of [
    ['consumer', selection.consumer],
    ['to', to],
  ] as const) {
    if (name !== undefined) checkConsumer(field, name);
  }
  if (move) checkMove(selection, to);
  const anyDelivery = to !== undefined && selection.consumer === undefined;
  return {
    ...selection,
    states: selection.states ?? (anyDelivery ? undefined : openStates),
    to,
    move,
    undiscarded,
    dryRun,
    limit: checkLimit(options.limit ?? DEFAULT_LIMIT),
    after: after === undefined ? undefined : readCursor(after),
  };
}

function checkMove({ consumer, states: wanted = [] }: ReplaySelection, to: ConsumerName | undefined): void {
  if (consumer === undefined) throw new InvalidSelectionError('consumer', 'has to be given for a move');
  if (to === undefined) throw new InvalidSelectionError('to', 'has to be given for a move');
  if (to === consumer) throw new InvalidSelectionError('to', `is ${consumer} itself`);
  if (wanted.includes('completed')) throw new InvalidSelectionError('states', 'completed is not moved');
}

function checkConsumer(field: string, name: string): void {
  const kind = parseRecipient(name)?.kind;
  if (kind !== 'role' && kind !== 'agent') {
    throw new InvalidSelectionError(field, `"${name}" is neither role.<name> nor agent.<id>`);
  }
}
