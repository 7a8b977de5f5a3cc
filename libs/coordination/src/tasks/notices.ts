import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AgentIdentity, AgentServer } from 'agentmq/agent';
import { errorText } from 'agentmq/protocol';
import { MAX_NOTICED_TASKS, TaskNotice } from '../messages/task-notices.js';
import { BusStoppedError, type Listener, MessageBus } from 'agentmq/messaging';
import { pause } from 'agentmq/time';

/** How long a notice means anything, in ms. */
const TTL_MS = 10_000;
/** What happens within so many ms is one notice. */
const GATHER_MS = 3;
const READY_POLL_MS = 20;

const TO_COORDINATORS = 'tasks.coordinators';
const TO_ALL = 'tasks.all';
const topicTo = (agentId: string): string => `tasks.to.${agentId}`;

type Hear = (taskIds: readonly string[]) => void;

/** Tells others at once what they would otherwise see at their next look: that tasks are queued, settled or cancelled. */
@Injectable()
export class TaskNotices implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Tasks');
  private readonly gathered = new Map<string, { readonly topic: string; readonly notice: TaskNotice }>();
  private gathering: NodeJS.Timeout | undefined;
  private isOver = false;
  private readonly hearing = { settled: new Set<Hear>(), cancelled: new Set<Hear>() };

  constructor(
    private readonly identity: AgentIdentity,
    private readonly server: AgentServer,
    private readonly bus: MessageBus,
  ) {}

  /** Not awaited: it waits until the agent's messages flow. */
  onApplicationBootstrap(): void {
    void this.listen([topicTo(this.identity.id), TO_ALL], ({ kind, taskIds }) => {
      if (kind !== 'queued') for (const hear of this.hearing[kind]) hear(taskIds);
    });
  }

  /** Also of an app that never was an agent. */
  onModuleDestroy(): void {
    this.isOver = true;
  }

  /** Calls back with what is told to this agent from now on, until it is called off: of tasks that it has submitted, or may be at work on. */
  on(kind: 'settled' | 'cancelled', hear: Hear): () => void {
    this.hearing[kind].add(hear);
    return () => this.hearing[kind].delete(hear);
  }

  /** Calls back whenever there may be something to assign, until it is called off. */
  onWork(hear: () => void): () => void {
    const listening = this.listen([TO_COORDINATORS], hear);
    return () =>
      void listening
        .then((listener) => listener?.close())
        .catch((error: unknown) => this.logger.debug(`a listener was not closed: ${String(error)}`));
  }

  /** To whoever assigns tasks. */
  queued(taskIds: readonly string[]): void {
    this.tell(TO_COORDINATORS, 'queued', taskIds);
  }

  /** To who submitted them, and to whoever assigns: their agents have room for others. */
  settled(tasks: readonly { readonly id: string; readonly submitter: string }[]): void {
    for (const { id, submitter } of tasks) {
      this.tell(topicTo(submitter), 'settled', [id]);
      this.tell(TO_COORDINATORS, 'settled', [id]);
    }
  }

  /** To all who may be at work on them. */
  cancelled(taskIds: readonly string[]): void {
    this.tell(TO_ALL, 'cancelled', taskIds);
  }

  private tell(topic: string, kind: TaskNotice['kind'], taskIds: readonly string[]): void {
    const place = `${kind} ${topic}`;
    for (const id of taskIds) {
      let gathered = this.gathered.get(place);
      if (!gathered) this.gathered.set(place, (gathered = { topic, notice: { kind, taskIds: [] } }));
      gathered.notice.taskIds.push(id);
      if (gathered.notice.taskIds.length >= MAX_NOTICED_TASKS) this.send();
    }
    this.gathering ??= setTimeout(() => this.send(), GATHER_MS);
  }

  private send(): void {
    clearTimeout(this.gathering);
    this.gathering = undefined;
    const all = [...this.gathered.values()];
    this.gathered.clear();
    for (const { topic, notice } of all) {
      try {
        this.bus.announce(topic, TaskNotice, notice, { ttl: TTL_MS });
      } catch (error) {
        this.logger.debug(`${notice.kind}: ${errorText(error)}`);
      }
    }
  }

  private async listen(topics: readonly string[], hear: (notice: TaskNotice) => void): Promise<Listener | undefined> {
    const { stopping } = this.server;
    while (!this.server.isReady && !stopping.aborted && !this.isOver) await pause(READY_POLL_MS, stopping);
    if (this.isOver) return undefined;
    try {
      return await this.bus.listen(topics, TaskNotice, hear);
    } catch (error) {
      // Nothing is lost by that: who waits also looks.
      if (!(error instanceof BusStoppedError)) this.logger.warn(String(error));
      return undefined;
    }
  }
}
