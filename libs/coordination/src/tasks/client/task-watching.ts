import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AgentServer } from 'agentmq/agent';
import { StatementError } from 'agentmq/database';
import { BusStoppedError, MessageBus } from 'agentmq/messaging';
import { errorText, type PayloadClass } from 'agentmq/protocol';
import { UnknownTaskError } from '../errors.js';
import { TaskAssigned, topicOfAssigned } from '../messages.js';
import { TaskNotices } from '../notices.js';
import { TaskReport, topicOfProgress } from '../progress.js';
import { taskView } from '../result.js';
import { TaskStore } from '../store/task-store.js';
import type { TaskEvent } from '../task.js';
import { isStorable } from '../draft.js';
import { Looks } from '../looks.js';
import { Watcher } from './watcher.js';

/** How often tasks are looked at of which nothing is told, in ms. */
const LOOK_MS = 3_000;

interface Watched {
  readonly watchers: Set<Watcher>;
  readonly close: () => void;
}

/** Follows tasks: reads their rows when something is told of them, and now and then. It listens only while a task is followed. */
@Injectable()
export class TaskWatching implements OnApplicationShutdown {
  private readonly logger = new Logger('Tasks');
  private readonly watched = new Map<string, Watched>();
  private readonly looks = new Looks((ids) => this.look(ids));
  private close: (() => void) | undefined;

  constructor(
    private readonly server: AgentServer,
    private readonly bus: MessageBus,
    private readonly notices: TaskNotices,
    private readonly tasks: TaskStore,
  ) {
    server.stopping.addEventListener('abort', () => this.end());
  }

  /** As `Tasks.watch` does. */
  async *events(id: string, signal: AbortSignal | undefined): AsyncGenerator<TaskEvent, void, undefined> {
    if (!isStorable(id)) throw new UnknownTaskError(id);
    signal?.throwIfAborted();
    if (this.server.stopping.aborted) throw new BusStoppedError();
    const watcher = new Watcher();
    const onAbort = (): void => watcher.fail(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    this.add(id, watcher);
    try {
      for (;;) {
        const event = await watcher.next();
        yield event;
        if (event.kind === 'state' && event.task.finishedAt) return;
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.remove(id, watcher);
    }
  }

  onApplicationShutdown(): void {
    this.end();
  }

  private add(id: string, watcher: Watcher): void {
    this.close ??= this.listen();
    let watched = this.watched.get(id);
    if (!watched) this.watched.set(id, (watched = { watchers: new Set(), close: this.listenTo(id) }));
    watched.watchers.add(watcher);
    this.looks.at([id]);
  }

  private remove(id: string, watcher: Watcher): void {
    const watched = this.watched.get(id);
    watched?.watchers.delete(watcher);
    if (watched?.watchers.size === 0) {
      this.watched.delete(id);
      watched.close();
    }
    if (this.watched.size > 0) return;
    this.close?.();
    this.close = undefined;
  }

  /** What is told of any task. */
  private listen(): () => void {
    const hear = (ids: readonly string[]): void => this.looks.at(ids.filter((id) => this.watched.has(id)));
    const looking = setInterval(() => this.looks.at([...this.watched.keys()]), LOOK_MS);
    const callOffs = [
      this.hear([topicOfAssigned('#')], TaskAssigned, ({ tasks }) => hear(tasks.map(({ id }) => id))),
      this.notices.onWork(({ taskIds }) => hear(taskIds)),
      this.notices.on('settled', hear),
      this.notices.on('cancelled', hear),
    ];
    return () => {
      clearInterval(looking);
      for (const callOff of callOffs) callOff();
    };
  }

  /** What an agent tells of its progress with a task. */
  private listenTo(id: string): () => void {
    return this.hear([topicOfProgress(id)], TaskReport, ({ attempt, taskId, progress, at }) => {
      const event = { kind: 'progress', taskId, progress, at } as const;
      for (const watcher of this.watched.get(id)?.watchers ?? []) watcher.heard(event, attempt);
    });
  }

  private hear<P extends object>(topics: string[], contract: PayloadClass<P>, hear: (payload: P) => void): () => void {
    const listening = this.bus.listen(topics, contract, hear).catch((error: unknown) => {
      // the next look will do
      this.logger.debug(`${topics.join()} is not heard: ${errorText(error)}`);
      return undefined;
    });
    return () => void listening.then((listener) => listener?.close()).catch(() => undefined);
  }

  private async look(ids: readonly string[]): Promise<void> {
    try {
      const found = new Map((await this.tasks.findAll(ids)).map((row) => [row.id, taskView(row)]));
      for (const id of ids) {
        const task = found.get(id);
        for (const watcher of this.watched.get(id)?.watchers ?? [])
          if (task) watcher.saw(task);
          else watcher.fail(new UnknownTaskError(id));
      }
    } catch (error) {
      // else the next look will do
      if (error instanceof StatementError) this.end(error);
      this.logger.debug(errorText(error));
    }
  }

  private end(why: Error = new BusStoppedError()): void {
    for (const { watchers } of this.watched.values()) for (const watcher of watchers) watcher.fail(why);
  }
}
