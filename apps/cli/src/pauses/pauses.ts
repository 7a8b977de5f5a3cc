import { setTimeout as sleep } from 'node:timers/promises';
import { FactReader, OperationsModule, type Pause, Pauses } from 'agentmq/operations';
import { commandActor } from '../command/actor.js';
import { InterruptedError } from '../command/errors.js';
import type { JsonOption } from '../command/options.js';
import { withClient } from '../command/with-client.js';
import { withStore } from '../command/with-store.js';
import { note, print, printJson, printPage, type TableView } from '../output/index.js';
import { pauseText } from '../system/pause-text.js';

export interface PauseOptions extends JsonOption {
  readonly reason: string;
}

export interface ResumeOptions extends JsonOption {
  readonly reason?: string;
}

export interface DrainOptions extends PauseOptions {
  readonly wait: boolean;
}

const LOOK_MS = 500;

/** Agents are told at once where the broker is there, and learn it with their next heartbeat where it is not. */
const changing = <T>(work: (pauses: Pauses) => Promise<T>): Promise<T> =>
  withClient((client) => work(client.get(Pauses, { strict: false })), {
    imports: [OperationsModule.forRoot()],
    withoutBroker: true,
  });

/** Prints what is paused. */
export function listPauses({ json }: JsonOption): Promise<void> {
  return withStore(async (store) => {
    printPage({ items: await new FactReader(store).pauses() }, json, view);
  });
}

/** Pauses a role's inbox, or an agent. Rejects as `Pauses.pause` does. */
export function pause(target: string, { reason, json }: PauseOptions): Promise<void> {
  return changing(async (pauses) => tell(await pauses.pause(commandActor(), target, reason), json));
}

/** Has a role's inbox read again, or an agent take messages and tasks again. Rejects as `Pauses.resume` does. */
export function resume(target: string, { reason, json }: ResumeOptions): Promise<void> {
  return changing(async (pauses) => {
    const ended = await pauses.resume(commandActor(), target, reason);
    if (json) printJson(ended);
    else print(`${target} is resumed`);
  });
}

/** Pauses an agent, and with `wait` resolves when it has nothing left. Rejects as `Pauses.pause` does, and with `InterruptedError`. */
export function drain(target: string, { reason, wait, json }: DrainOptions): Promise<void> {
  return changing(async (pauses) => {
    const draining = await pauses.pause(commandActor(), target, reason, true);
    if (!wait) {
      tell(draining, json);
      return;
    }
    note(`${target} finishes what it has`);
    tell(await drained(pauses, target), json);
  });
}

async function drained(pauses: Pauses, target: string): Promise<Pause> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    for (;;) {
      const found = (await pauses.list()).find((each) => each.target === target);
      if (!found) throw new InterruptedError(`${target} was resumed`);
      if (found.drained) return found;
      await sleep(LOOK_MS, undefined, { signal: interrupted.signal });
    }
  } catch (error) {
    throw interrupted.signal.aborted ? new InterruptedError(`${target} goes on draining`) : error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function tell(paused: Pause, json: boolean): void {
  if (json) printJson(paused);
  else print(`${paused.target} is ${pauseText(paused)}`);
}

const view: TableView<Pause> = {
  columns: [
    { title: 'paused', align: 'left', least: 12, cell: ({ target }) => target },
    { title: 'what', align: 'left', least: 20, cell: pauseText },
  ],
  none: 'nothing is paused',
};
