import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { TaskTakenError } from '../errors.js';
import { Looks } from '../looks.js';
import { TaskNotices } from '../notices.js';
import { AttemptStore } from '../store/attempt-store.js';

/** How often the assignments that are being carried out are compared with what is on record, in ms. */
const LOOK_MS = 5_000;

interface Held {
  readonly taskId: string;
  readonly stop: (reason: Error) => void;
}

/** What this agent carries out now, so that it can be told to stop. */
@Injectable()
export class Assignments implements OnApplicationShutdown {
  private readonly held = new Map<string, Held>();
  private readonly looks = new Looks(async (assignments) => void (await this.look(assignments)));
  private looking: NodeJS.Timeout | undefined;
  private callOff: (() => void) | undefined;

  constructor(
    private readonly notices: TaskNotices,
    private readonly attempts: AttemptStore,
  ) {}

  /** Holds an assignment until the function that it returns is called; `stop` is called when it is no longer this agent's. */
  hold(assignment: string, taskId: string, stop: Held['stop']): () => void {
    this.callOff ??= this.notices.on('cancelled', (ids) => this.cancelled(ids));
    this.held.set(assignment, { taskId, stop });
    this.looking ??= setInterval(() => void this.look(), LOOK_MS).unref();
    return () => this.held.delete(assignment);
  }

  /** Resolves with whether an assignment is no longer this agent's; what carries it out has then been told to stop. */
  async isLost(assignment: string): Promise<boolean> {
    return (await this.look([assignment])).length > 0;
  }

  /** Stops all that is carried out now. */
  stop(reason: Error): void {
    for (const { stop } of this.held.values()) stop(reason);
  }

  /** Until then, what an agent that stops has begun can still be finished, or cancelled. */
  onApplicationShutdown(): void {
    clearInterval(this.looking);
    this.callOff?.();
  }

  /** A notice may be late, of an earlier attempt at what is now carried out again, or of any process: the record tells. */
  private cancelled(taskIds: readonly string[]): void {
    const ids = new Set(taskIds);
    this.looks.at([...this.held].flatMap(([assignment, { taskId }]) => (ids.has(taskId) ? [assignment] : [])));
  }

  /** Notices can be missed; and a task that another agent took over is told to no agent. */
  private async look(assignments: readonly string[] = [...this.held.keys()]): Promise<string[]> {
    if (assignments.length === 0) return [];
    const lost = await this.attempts.lost(assignments).catch(() => []);
    for (const assignment of lost) {
      const held = this.held.get(assignment);
      held?.stop(new TaskTakenError(held.taskId));
    }
    return lost;
  }
}
