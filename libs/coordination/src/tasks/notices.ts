import { Injectable, Logger } from '@nestjs/common';
import { AgentIdentity, AgentServer } from 'agentmq/agent';
import { MAX_NOTICED_TASKS, TaskNotice } from 'agentmq/contracts';
import { BusStoppedError, type Listener, MessageBus, pause } from 'agentmq/messaging';

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
export class TaskNotices {
  private readonly logger = new Logger('Tasks');
  private readonly gathered = new Map<string, { readonly topic: string; readonly notice: TaskNotice }>();
  private gathering: NodeJS.Timeout | undefined;
  private readonly hearing: Record<TaskNotice['kind'], Set<Hear>> = {
    queued: new Set(),
    settled: new Set(),
    cancelled: new Set(),
  };
  private listening: Promise<Listener | undefined> | undefined;

  constructor(
    private readonly identity: AgentIdentity,
    private readonly server: AgentServer,
    private readonly bus: MessageBus,
  ) {}

  /** Calls back with what is told to this agent from now on, and as a coordinator what those are told, until it is called off. */
  on(kind: TaskNotice['kind'], hear: Hear): () => void {
    this.listening ??= this.listen();
    this.hearing[kind].add(hear);
    return () => this.hearing[kind].delete(hear);
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
        this.logger.debug(`${notice.kind}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  private async listen(): Promise<Listener | undefined> {
    const { stopping } = this.server;
    while (!this.server.isReady && !stopping.aborted) await pause(READY_POLL_MS, stopping);
    const topics = [topicTo(this.identity.id), TO_ALL, TO_COORDINATORS];
    try {
      return await this.bus.listen(topics, TaskNotice, ({ kind, taskIds }) => {
        for (const hear of this.hearing[kind]) hear(taskIds);
      });
    } catch (error) {
      // Nothing is lost by that: who waits also looks.
      if (!(error instanceof BusStoppedError)) this.logger.warn(String(error));
      return undefined;
    }
  }
}
