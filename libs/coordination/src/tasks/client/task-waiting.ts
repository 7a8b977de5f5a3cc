import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AgentServer } from 'agentmq/agent';
import { StatementError } from 'agentmq/database';
import { BusStoppedError, currentSignal } from 'agentmq/messaging';
import { errorText } from 'agentmq/protocol';
import { UnknownTaskError } from '../errors.js';
import { isStorable } from '../draft.js';
import { Looks } from '../looks.js';
import { TaskNotices } from '../notices.js';
import { type TaskOutcome, TaskStore } from '../store/task-store.js';

/** How often tasks are looked at of which nothing was told, in ms. */
const LOOK_MS = 1_000;
/** The most tasks of this process that are known to be open. */
const MOST_FRESH = 10_000;

interface Waiter {
  /** Whether the waiting is part of a handler, which may end before its agent does. */
  readonly isHandlers: boolean;
  readonly resolve: (outcome: TaskOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Waits for tasks to be settled: one look for all of them, at once when told, and now and then. An agent that stops gives its
 * handlers time to end, also those that wait here; all other waiting ends at once.
 */
@Injectable()
export class TaskWaiting implements OnApplicationShutdown {
  private readonly logger = new Logger('Tasks');
  private readonly waiting = new Map<string, Set<Waiter>>();
  private readonly looks = new Looks((ids) => this.look(ids));
  /** Submitted here, and not told of as settled since: a first look at them would find nothing. */
  private readonly fresh = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private readonly callOff: () => void;
  private isOver = false;

  constructor(
    private readonly server: AgentServer,
    notices: TaskNotices,
    private readonly tasks: TaskStore,
  ) {
    this.callOff = notices.on('settled', (ids) => this.hear(ids));
    server.stopping.addEventListener('abort', () => this.end(({ isHandlers }) => !isHandlers));
  }

  /** This process is about to submit a task, by a new id: what is told of it is heard from here on. */
  expect(id: string): void {
    this.fresh.add(id);
    if (this.fresh.size <= MOST_FRESH) return;
    const [oldest = id] = this.fresh;
    this.fresh.delete(oldest);
  }

  /** Rejects with {@link UnknownTaskError}, `BusStoppedError`, or the reason of the signal, or of the handler's that is being run. */
  async settled(id: string, signal?: AbortSignal): Promise<TaskOutcome> {
    // one that can't be asked for would spoil the look for all
    if (!isStorable(id)) throw new UnknownTaskError(id);
    const handlers = currentSignal();
    const ends = [signal, handlers].filter((each) => each !== undefined);
    for (const end of ends) end.throwIfAborted();
    const isHandlers = handlers !== undefined;
    if (this.isOver || (this.server.isClosing && !isHandlers)) throw new BusStoppedError();
    this.timer ??= setInterval(() => this.looks.at([...this.waiting.keys()]), LOOK_MS);
    let waiter: Waiter | undefined;
    const onAbort = (): void => waiter?.reject(ends.find(({ aborted }) => aborted)?.reason);
    try {
      return await new Promise<TaskOutcome>((resolve, reject) => {
        waiter = { isHandlers, resolve, reject };
        const others = this.waiting.get(id);
        if (others) others.add(waiter);
        else this.waiting.set(id, new Set([waiter]));
        for (const end of ends) end.addEventListener('abort', onAbort);
        if (!this.fresh.has(id)) this.looks.at([id]);
      });
    } finally {
      for (const end of ends) end.removeEventListener('abort', onAbort);
      if (waiter) this.forget(id, waiter);
    }
  }

  /** Handlers that were given time to end have ended by now. */
  onApplicationShutdown(): void {
    this.isOver = true;
    this.end(() => true);
    this.callOff();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private hear(ids: readonly string[]): void {
    for (const id of ids) this.fresh.delete(id);
    this.looks.at(ids.filter((id) => this.waiting.has(id)));
  }

  private async look(ids: readonly string[]): Promise<void> {
    try {
      const outcomes = new Map((await this.tasks.outcomes(ids)).map((outcome) => [outcome.id, outcome]));
      for (const id of ids) this.tell(id, outcomes.get(id));
    } catch (error) {
      // else the next look will do
      if (error instanceof StatementError) this.end(() => true, error);
      this.logger.debug(errorText(error));
    }
  }

  private tell(id: string, outcome: TaskOutcome | undefined): void {
    for (const { resolve, reject } of this.waiting.get(id) ?? []) {
      if (!outcome) reject(new UnknownTaskError(id));
      else if (isSettled(outcome)) resolve(outcome);
    }
  }

  private forget(id: string, waiter: Waiter): void {
    const waiters = this.waiting.get(id);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.waiting.delete(id);
    if (this.waiting.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private end(those: (waiter: Waiter) => boolean, why: Error = new BusStoppedError()): void {
    for (const waiters of this.waiting.values()) for (const waiter of waiters) if (those(waiter)) waiter.reject(why);
  }
}

const isSettled = ({ state }: TaskOutcome): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';
