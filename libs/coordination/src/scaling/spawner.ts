/** A worker that is being started. */
export interface StartedWorker {
  /**
   * Resolves when it has ended in such a way that no agent will come of it, with words for the log. Never, if that can't be
   * known, or if what has ended may have left an agent behind, as `docker run -d` does: then its time shows it.
   */
  readonly ended: Promise<string>;
  /** Ends it, since no agent has come of it in time. Does not wait; throws nothing. Without it, it is left alone. */
  end?(): void;
}

/** Starts and stops workers, wherever they run; also the Nest token. `ScalingModule.forRoot` takes another than child processes. */
export abstract class Spawner {
  /**
   * Begins to start one agent more of a role. Resolves when that has begun; it is there when it registers. Rejects with
   * what prevents it: the scaler tries again a little later, and ever later if that goes on.
   */
  abstract start(role: string): Promise<StartedWorker>;

  /**
   * Asks an agent, however it was started, to finish what it holds and stop. Does not wait for it. The scaler asks again until
   * the agent has left, so it must be safe to call twice.
   */
  abstract stop(agent: { readonly id: string; readonly instance: string }, reason: string): Promise<void>;
}
