import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from 'agentmq/database';
import { TaskTakenError } from './errors.js';
import { TaskNotices } from './notices.js';
import { AttemptStore } from './store/attempt-store.js';

/** How often the assignments that are being carried out are compared with what is on record, in ms. */
const LOOK_MS = 5_000;

/** What this agent carries out now, so that it can be told to stop. */
@Injectable()
export class Assignments implements OnApplicationShutdown {
  private readonly attempts: AttemptStore;
  private readonly held = new Map<string, { readonly taskId: string; readonly stop: AbortController }>();
  private readonly told = new Set<string>();
  private isLooking = false;
  private looking: NodeJS.Timeout | undefined;
  private callOff: (() => void) | undefined;

  constructor(
    private readonly notices: TaskNotices,
    database: Database,
  ) {
    this.attempts = new AttemptStore(database);
  }

  /** Holds an assignment until the function that it returns is called; `stop` is aborted when it is no longer this agent's. */
  hold(assignment: string, taskId: string, stop: AbortController): () => void {
    this.callOff ??= this.notices.on('cancelled', (ids) => this.cancelled(ids));
    this.held.set(assignment, { taskId, stop });
    this.looking ??= setInterval(() => void this.look(), LOOK_MS).unref();
    return () => this.held.delete(assignment);
  }

  /** Resolves with whether an assignment is no longer this agent's; what carries it out has then been told to stop. */
  async isLost(assignment: string): Promise<boolean> {
    return (await this.look([assignment])).length > 0;
  }

  /** Until then, what an agent that stops has begun can still be finished, or cancelled. */
  onApplicationShutdown(): void {
    clearInterval(this.looking);
    this.callOff?.();
  }

  /** A notice may be late, of an earlier attempt at what is now carried out again, or of any process: the record tells. */
  private cancelled(taskIds: readonly string[]): void {
    const ids = new Set(taskIds);
    for (const [assignment, { taskId }] of this.held) if (ids.has(taskId)) this.told.add(assignment);
    if (!this.isLooking) void this.lookAtTold();
  }

  /** One look at a time, however many notices there are. */
  private async lookAtTold(): Promise<void> {
    this.isLooking = true;
    while (this.told.size > 0) {
      const assignments = [...this.told];
      this.told.clear();
      await this.look(assignments);
    }
    this.isLooking = false;
  }

  /** Notices can be missed; and a task that others took over is told to nobody. */
  private async look(assignments: readonly string[] = [...this.held.keys()]): Promise<string[]> {
    if (assignments.length === 0) return [];
    const lost = await this.attempts.lost(assignments).catch(() => []);
    for (const assignment of lost) {
      const held = this.held.get(assignment);
      held?.stop.abort(new TaskTakenError(held.taskId));
    }
    return lost;
  }
}
