import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { AgentSettings } from 'agentmq/agent';
import { Store } from 'agentmq/message-store';
import { FactReader, OperationsModule, type Pause, Pauses, RecordedRoster, type Roster } from 'agentmq/operations';
import { commandActor } from '../command/actor.js';
import { InterruptedError, NotPossibleError } from '../command/errors.js';
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
const changing = <T>(work: (pauses: Pauses, client: INestApplicationContext) => Promise<T>): Promise<T> =>
  withClient((client) => work(client.get(Pauses, { strict: false }), client), {
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

/**
 * Pauses an agent, and with `wait` resolves when it has nothing left, or is stopped. Rejects as `Pauses.pause` does, with
 * `InterruptedError`, and with `NotPossibleError` when it is resumed or dies meanwhile.
 */
export function drain(target: string, { reason, wait, json }: DrainOptions): Promise<void> {
  return changing(async (pauses, client) => {
    const draining = await pauses.pause(commandActor(), target, reason, true);
    if (!wait) {
      tell(draining, json);
      return;
    }
    note(`${target} finishes what it has`);
    const roster = new RecordedRoster(client.get(Store).agents, client.get(AgentSettings).registry);
    await drained(pauses, roster, target, json);
  });
}

async function drained(pauses: Pauses, roster: Roster, target: string, json: boolean): Promise<void> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    for (;;) {
      const found = (await pauses.list()).find((each) => each.target === target);
      if (!found) throw new NotPossibleError(`${target} is paused no longer: it was resumed, or its agent has ended`);
      if (found.drained) return tell(found, json);
      // only the agent itself can say that it is drained
      const agent = (await roster.read()).find(({ id }) => `agent.${id}` === target);
      if (agent?.health === 'dead')
        throw new NotPossibleError(`${target} is dead: others take what it had. The pause stays until it is resumed`);
      if (agent === undefined || agent.stopped) {
        note(`${target} is stopped: it has nothing left. The pause stays until it is resumed`);
        return tell(found, json);
      }
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
