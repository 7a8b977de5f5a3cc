import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AgentServer } from 'agentmq/agent';
import { Database } from 'agentmq/database';
import { BusStoppedError, currentSignal } from 'agentmq/messaging';
import { UnknownTaskError } from './errors.js';
import { isStorable } from './draft.js';
import { TaskNotices } from './notices.js';
import { type TaskOutcome, TaskStore } from './store/task-store.js';

/** Tasks that nobody has told anything of are looked at so often, in ms. */
const LOOK_MS = 1_000;

interface Waiter {
  /** Whether the waiting is part of a handler, which may end before its agent does. */
  readonly isHandlers: boolean;
  readonly resolve: (outcome: TaskOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Waits for tasks to be settled: one look for all of them, at once when told, and now and then. An agent that stops gives its
 * handlers time to end, and so those of them that wait here; all others end at once.
 */
@Injectable()
export class TaskWaiting implements OnApplicationShutdown {
  private readonly logger = new Logger('Tasks');
  private readonly tasks: TaskStore;
  private readonly waiting = new Map<string, Set<Waiter>>();
  private readonly told = new Set<string>();
  private isLooking = false;
  private timer: NodeJS.Timeout | undefined;
  private callOff: (() => void) | undefined;
  private isOver = false;

  constructor(
    private readonly server: AgentServer,
    private readonly notices: TaskNotices,
    database: Database,
  ) {
    this.tasks = new TaskStore(database);
    server.stopping.addEventListener('abort', () => this.end(({ isHandlers }) => !isHandlers));
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
    this.callOff ??= this.notices.on('settled', (ids) => this.hear(ids));
    this.timer ??= setInterval(() => this.lookAt([...this.waiting.keys()]), LOOK_MS);
    let waiter: Waiter | undefined;
    const onAbort = (): void => waiter?.reject(ends.find(({ aborted }) => aborted)?.reason);
    try {
      return await new Promise<TaskOutcome>((resolve, reject) => {
        waiter = { isHandlers, resolve, reject };
        const others = this.waiting.get(id);
        if (others) others.add(waiter);
        else this.waiting.set(id, new Set([waiter]));
        for (const end of ends) end.addEventListener('abort', onAbort);
        this.lookAt([id]);
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
    this.callOff?.();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private hear(ids: readonly string[]): void {
    this.lookAt(ids.filter((id) => this.waiting.has(id)));
  }

  private lookAt(ids: readonly string[]): void {
    for (const id of ids) this.told.add(id);
    if (!this.isLooking && this.told.size > 0) void this.look();
  }

  /** One at a time: what is told meanwhile is looked at next. */
  private async look(): Promise<void> {
    this.isLooking = true;
    try {
      // those who ask in the same turn are looked at together
      await Promise.resolve();
      while (this.told.size > 0) {
        const ids = [...this.told];
        this.told.clear();
        const outcomes = new Map((await this.tasks.outcomes(ids)).map((outcome) => [outcome.id, outcome]));
        for (const id of ids) this.tell(id, outcomes.get(id));
      }
    } catch (error) {
      // the next look will do
      this.logger.debug(String(error));
    } finally {
      this.isLooking = false;
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

  private end(those: (waiter: Waiter) => boolean): void {
    for (const waiters of this.waiting.values())
      for (const waiter of waiters) if (those(waiter)) waiter.reject(new BusStoppedError());
  }
}

const isSettled = ({ state }: TaskOutcome): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';
