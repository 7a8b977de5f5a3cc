import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { AgentServer } from 'agentmq/agent';
import { MessageStore } from 'agentmq/message-store';
import { BusStoppedError } from 'agentmq/messaging';
import { UnknownTaskError } from './errors.js';
import { TaskNotices } from './notices.js';
import { type TaskOutcome, TaskStore } from './task-store.js';

/** Tasks that nobody has told anything of are looked at so often, in ms. */
const LOOK_MS = 1_000;

interface Waiter {
  readonly resolve: (outcome: TaskOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Waits for tasks to be settled: one look for all of them, at once when told, and now and then. */
@Injectable()
export class TaskWaiting implements OnModuleDestroy {
  private readonly logger = new Logger('Tasks');
  private readonly tasks: TaskStore;
  private readonly waiting = new Map<string, Set<Waiter>>();
  private readonly told = new Set<string>();
  private isLooking = false;
  private timer: NodeJS.Timeout | undefined;
  private callOff: (() => void) | undefined;

  constructor(
    private readonly server: AgentServer,
    private readonly notices: TaskNotices,
    store: MessageStore,
  ) {
    this.tasks = new TaskStore(store);
    server.stopping.addEventListener('abort', () => this.end());
  }

  /** Rejects with {@link UnknownTaskError}, `BusStoppedError`, or the signal's reason. */
  async settled(id: string, signal?: AbortSignal): Promise<TaskOutcome> {
    signal?.throwIfAborted();
    if (this.server.isClosing) throw new BusStoppedError();
    this.callOff ??= this.notices.on('settled', (ids) => this.hear(ids));
    this.timer ??= setInterval(() => this.lookAt([...this.waiting.keys()]), LOOK_MS);
    let waiter: Waiter | undefined;
    const onAbort = (): void => waiter?.reject(signal?.reason);
    try {
      return await new Promise<TaskOutcome>((resolve, reject) => {
        waiter = { resolve, reject };
        const others = this.waiting.get(id);
        if (others) others.add(waiter);
        else this.waiting.set(id, new Set([waiter]));
        signal?.addEventListener('abort', onAbort);
        this.lookAt([id]);
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
      if (waiter) this.forget(id, waiter);
    }
  }

  onModuleDestroy(): void {
    this.end();
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

  private end(): void {
    this.callOff?.();
    for (const waiters of this.waiting.values()) for (const { reject } of waiters) reject(new BusStoppedError());
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

const isSettled = ({ state }: TaskOutcome): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';
