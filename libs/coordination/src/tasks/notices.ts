import { Injectable, Logger } from '@nestjs/common';
import { AgentIdentity, AgentServer, type Intake } from 'agentmq/agent';
import { errorText } from 'agentmq/protocol';
import { MAX_NOTICED_TASKS, TaskNotice } from './messages.js';
import { BusStoppedError, type Listener, MessageBus } from 'agentmq/messaging';

/** How long a notice means anything, in ms. */
const TTL_MS = 10_000;

const TO_COORDINATORS = 'tasks.coordinators';
const TO_ALL = 'tasks.all';
const topicTo = (agentId: string): string => `tasks.to.${agentId}`;

type Hear = (taskIds: readonly string[]) => void;
type HearWork = (notice: Pick<TaskNotice, 'kind' | 'taskIds'>) => void;

/**
 * Tells agents at once what they would otherwise see at their next look: that tasks are queued, settled or cancelled. What is
 * told in one turn of the event loop is one notice. This process hears its own without the broker.
 */
@Injectable()
export class TaskNotices implements Intake {
  private readonly logger = new Logger('Tasks');
  private readonly gathered = new Map<string, { readonly topic: string; readonly notice: TaskNotice }>();
  private gathering: NodeJS.Immediate | undefined;
  private readonly hearing = { settled: new Set<Hear>(), cancelled: new Set<Hear>() };
  private readonly hearingWork = new Set<HearWork>();
  private readonly topicToSelf: string;

  constructor(
    private readonly identity: AgentIdentity,
    private readonly bus: MessageBus,
    server: AgentServer,
  ) {
    this.topicToSelf = topicTo(identity.id);
    server.addIntake(this);
  }

  async open(): Promise<void> {
    await this.listen([this.topicToSelf, TO_ALL], (notice) => this.hear(notice));
  }

  /** Calls back with what is told to this agent from now on, until it is called off: of tasks that it has submitted, or may be at work on. */
  on(kind: 'settled' | 'cancelled', hear: Hear): () => void {
    this.hearing[kind].add(hear);
    return () => this.hearing[kind].delete(hear);
  }

  /** Calls back whenever there may be something to assign, until it is called off. */
  onWork(hear: HearWork): () => void {
    this.hearingWork.add(hear);
    const listening = this.listen([TO_COORDINATORS], hear);
    return () => {
      this.hearingWork.delete(hear);
      listening
        .then((listener) => listener?.close())
        .catch((error: unknown) => this.logger.debug(`a listener was not closed: ${String(error)}`));
    };
  }

  /** Tells the leader of the coordinators. */
  queued(taskIds: readonly string[]): void {
    this.tell(TO_COORDINATORS, 'queued', taskIds);
  }

  /** Tells the submitters, and the leader of the coordinators: the agents of the tasks have room for more. */
  settled(tasks: readonly { readonly id: string; readonly submitter: string }[]): void {
    for (const { id, submitter } of tasks) {
      this.tell(topicTo(submitter), 'settled', [id]);
      this.tell(TO_COORDINATORS, 'settled', [id]);
    }
  }

  /** Of tasks that were ended by another part than their agents, which are told to stop: as {@link settled} and {@link cancelled}. */
  ended(tasks: Parameters<TaskNotices['settled']>[0]): void {
    this.settled(tasks);
    this.cancelled(tasks.map(({ id }) => id));
  }

  /** Tells all agents that may be at work on them. */
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
    if (taskIds.length > 0) this.gathering ??= setImmediate(() => this.send());
  }

  private send(): void {
    clearImmediate(this.gathering);
    this.gathering = undefined;
    const all = [...this.gathered.values()];
    this.gathered.clear();
    for (const { topic, notice } of all) {
      if (topic === TO_COORDINATORS) for (const hear of this.hearingWork) hear(notice);
      else if (topic === TO_ALL || topic === this.topicToSelf) this.hear(notice);
      if (topic === this.topicToSelf) continue;
      try {
        this.bus.announce(topic, TaskNotice, notice, { ttl: TTL_MS });
      } catch (error) {
        this.logger.debug(`${notice.kind}: ${errorText(error)}`);
      }
    }
  }

  private hear({ kind, taskIds }: TaskNotice): void {
    if (kind !== 'queued') for (const hear of this.hearing[kind]) hear(taskIds);
  }

  private async listen(topics: readonly string[], hear: (notice: TaskNotice) => void): Promise<Listener | undefined> {
    try {
      return await this.bus.listen(topics, TaskNotice, (notice, { sender }) => {
        if (sender !== this.identity.id) hear(notice);
      });
    } catch (error) {
      // Nothing is lost by that: what waits for a task also looks.
      if (!(error instanceof BusStoppedError)) this.logger.warn(String(error));
      return undefined;
    }
  }
}
