/** A worker that is being started. */
export interface StartedWorker {
  /** Resolves when it has ended, however; never, if that can't be known. */
  readonly ended: Promise<unknown>;
  /** Ends it, which was not there in time: called at most once. Whoever can't do that leaves it out. */
  end?(): void;
}

/** Starts and stops workers, wherever they run; also the Nest token. `ScalingModule.forRoot` takes another than child processes. */
export abstract class Spawner {
  /**
   * Begins to start one agent more of a role. Resolves when that has begun; it is there when it registers. Rejects with
   * what prevents it: the scaler tries again at its next look.
   */
  abstract start(role: string): Promise<StartedWorker>;

  /**
   * Asks an agent, whoever has started it, to finish what it holds and stop. Does not wait for it. The scaler asks again until
   * the agent has left, so it must be safe to call twice.
   */
  abstract stop(agent: { readonly id: string; readonly instance: string }, reason: string): Promise<void>;
}
