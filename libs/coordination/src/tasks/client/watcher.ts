import type { ProgressEvent, TaskEvent, TaskWithResult } from '../task.js';

/**
 * What one reader is to be told of a task. It keeps the latest state and the latest progress only: a slow reader is told of
 * fewer changes, and nothing piles up.
 */
export class Watcher {
  private state: TaskWithResult | undefined;
  private progress: ProgressEvent | undefined;
  /** What the reader was told, or is to be told next. */
  private seen = { state: '', attempt: 0, at: 0 };
  private failure: { readonly error: unknown } | undefined;
  private wake = (): void => undefined;

  /** The task is on record like this. */
  saw(task: TaskWithResult): void {
    const { state, attempt, progress, progressAt } = task;
    const isNew = `${state} ${attempt}` !== this.seen.state;
    if (isNew) this.state = task;
    this.seen = { ...this.seen, state: `${state} ${attempt}`, attempt };
    if (progress && progressAt && progressAt.getTime() > this.seen.at) this.note(progress, progressAt, task.id);
    this.wake();
  }

  /** An agent tells of its progress. */
  heard(event: ProgressEvent, attempt: number): void {
    if (attempt < this.seen.attempt || event.at.getTime() === this.seen.at) return;
    this.note(event.progress, event.at, event.taskId);
    this.wake();
  }

  fail(error: unknown): void {
    this.failure ??= { error };
    this.wake();
  }

  /** Resolves with what comes next: a settled state last. Rejects with what it failed with. */
  async next(): Promise<TaskEvent> {
    for (;;) {
      const event = this.take();
      if (event) return event;
      if (this.failure) throw this.failure.error;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  private note(progress: object, at: Date, taskId: string): void {
    this.progress = { kind: 'progress', taskId, progress, at };
    this.seen = { ...this.seen, at: at.getTime() };
  }

  private take(): TaskEvent | undefined {
    const { state, progress } = this;
    if (progress && this.seen.state !== '' && (!state || state.finishedAt)) {
      this.progress = undefined;
      return progress;
    }
    this.state = undefined;
    return state && { kind: 'state', task: state };
  }
}
