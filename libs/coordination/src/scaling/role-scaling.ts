/** What is wanted of one role. Times in ms. */
export interface ScalingRule {
  readonly min: number;
  readonly max: number;
  /** How much backlog one worker is to have. */
  readonly targetBacklog: number;
  /** For how long fewer workers must have been enough before some are stopped. */
  readonly coolDown: number;
  /** How long a worker may take from its start until it is seen, or from being asked to stop until it is gone. */
  readonly startTimeout: number;
}

/** How a role looks at one moment. */
export interface RoleSight {
  readonly backlog: number;
  /** Instances that are there, also when they have been asked to stop. */
  readonly workers: readonly string[];
}

export interface ScalingDecision {
  /** How many workers there should be, from min to max. */
  readonly desired: number;
  /** How many are to be started now, and how many are to be stopped; at most one of them is not 0. */
  readonly start: number;
  readonly stop: number;
  /** Workers that have been started and are not there yet. */
  readonly starting: number;
  /** Workers that are there and have not been asked to stop. */
  readonly staying: number;
  /** Whether an agent has come since the last look. */
  readonly arrived: boolean;
  /** Workers whose time to come is over since the last look. */
  readonly overdue: readonly Overdue[];
}

/** A worker that has been started, and has not come in its time. */
export interface Overdue {
  readonly starting: Starting;
  /**
   * Whether no worker has come since it was started. Otherwise it may be one that has: agents don't tell which start they
   * come from, so only their number is known.
   */
  readonly certain: boolean;
}

/** A worker that is being started. */
export interface Starting {
  readonly since: number;
}

/** How many workers a backlog warrants: so many that each has at most the target of it, within min and max. */
export const warrantedBy = (
  backlog: number,
  { min, max, targetBacklog }: Pick<ScalingRule, 'min' | 'max' | 'targetBacklog'>,
): number => Math.min(max, Math.max(min, Math.ceil(backlog / targetBacklog)));

/**
 * Decides how many workers a role should have. It grows at once to what the backlog warrants, and shrinks to the most that
 * was warranted within the cool-down, as Kubernetes' Horizontal Pod Autoscaler does ("stabilization window"). What it has
 * grown by, or what it finds at first, counts as warranted at that time. Neither clock nor I/O; `now` is in ms and never
 * goes back.
 */
export class RoleScaling {
  /** What was warranted when, later ones smaller: the first is the most within the cool-down. */
  private window: { readonly at: number; readonly workers: number }[] = [];
  private starts: Starting[] = [];
  private readonly stops = new Map<string, number>();
  private seen: ReadonlySet<string> | undefined;
  /** When an agent came last. */
  private arrivedAt = -Infinity;

  constructor(readonly rule: ScalingRule) {}

  look(now: number, { backlog, workers }: RoleSight): ScalingDecision {
    const { rule } = this;
    const first = this.seen === undefined;
    const arrived = this.meet(now, workers);
    const overdue = this.takeOverdue(now);
    const staying = workers.filter((instance) => !this.stops.has(instance)).length;
    const starting = this.starts.length;
    const warranted = warrantedBy(backlog, rule);
    const found = Math.min(rule.max, staying + starting);
    this.note(now, first || arrived ? Math.max(warranted, found) : warranted);
    const desired = this.window[0]?.workers ?? warranted;
    return {
      desired,
      starting,
      staying,
      start: Math.max(0, warranted - staying - starting),
      // a worker that is being started can't be stopped, and may never come
      stop: Math.max(0, staying - desired),
      arrived,
      overdue,
    };
  }

  /** A worker is being started: it counts until it is there, or its time is over. */
  started(now: number): Starting {
    const starting = { since: now };
    this.starts.push(starting);
    return starting;
  }

  /** It has ended before it was there. */
  failed(starting: Starting): void {
    this.starts = this.starts.filter((other) => other !== starting);
  }

  /** An instance is asked to stop: it does not count any more, unless it is still there when its time is over. */
  stopping(now: number, instance: string): void {
    this.stops.set(instance, now);
  }

  /** Whether it has been asked to stop. */
  isStopping(instance: string): boolean {
    return this.stops.has(instance);
  }

  /** Notes which workers came and went, and which have not stopped in time; true when one came. */
  private meet(now: number, workers: readonly string[]): boolean {
    const { startTimeout } = this.rule;
    const { seen } = this;
    const present = new Set(workers);
    const arrived = seen ? workers.filter((instance) => !seen.has(instance)).length : 0;
    this.starts = this.starts.slice(arrived);
    if (arrived > 0) this.arrivedAt = now;
    for (const [instance, since] of this.stops) {
      if (!present.has(instance) || now - since >= startTimeout) this.stops.delete(instance);
    }
    this.seen = present;
    return arrived > 0;
  }

  private takeOverdue(now: number): Overdue[] {
    const isOver = ({ since }: Starting): boolean => now - since >= this.rule.startTimeout;
    const over = this.starts.filter(isOver);
    this.starts = this.starts.filter((starting) => !isOver(starting));
    return over.map((starting) => ({ starting, certain: starting.since >= this.arrivedAt }));
  }

  private note(now: number, workers: number): void {
    const since = now - this.rule.coolDown;
    while ((this.window.at(-1)?.workers ?? Infinity) <= workers) this.window.pop();
    this.window.push({ at: now, workers });
    const first = this.window.findIndex(({ at }) => at > since);
    // with no cool-down nothing but the latest counts
    this.window = this.window.slice(first < 0 ? -1 : first);
  }
}
