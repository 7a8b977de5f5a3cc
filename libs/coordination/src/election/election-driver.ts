import { Logger } from '@nestjs/common';
import { errorText } from 'agentmq/protocol';
import { StoreUnavailableError } from 'agentmq/database';
import type { Claimant, ElectionStore } from './election-store.js';
import { ElectionMachine, type ElectionRole } from './machine.js';
import type { DeposedReason, ElectionAction, ElectionEvent, MachineMessage, ElectionRecord } from './protocol.js';

/** Times in ms. */
export interface ElectionTimes {
  readonly heartbeat: number;
  readonly electionTimeout: number;
  readonly confirm: number;
}

/** What the driver of a group needs of the world, and tells it. None of it throws, and only `stepped` may call the driver. */
export interface ElectionSurroundings {
  /** Live members, this one or not, without a round trip. */
  members(): readonly string[];
  /** To a member; undefined: to all others. Best effort. */
  send(to: string | undefined, message: MachineMessage): void;
  elected(term: number): void;
  deposed(term: number, reason: DeposedReason): void;
  /** Something may have changed. */
  stepped(): void;
}

/** A claim waits for what leaders that stand still before their commit may hold, and they are given 5 s. */
const CLAIM_WITHIN_MS = 8_000;
/** The most statements under way; what comes on top fails at once, as it would in time. */
const STATEMENTS_AT_ONCE = 4;
/** Node's timers take no more; no election waits so long. */
const LONGEST_SLEEP_MS = 60_000;

/** Runs one member's {@link ElectionMachine} on the real clock, network and database. */
export class ElectionDriver {
  private readonly logger = new Logger('Elections');
  private readonly machine: ElectionMachine;
  private readonly timeoutMs: number;
  private readonly heartbeatMs: number;
  private known: readonly string[] = [];
  private lookAt = 0;
  private statements = 0;
  private wake: NodeJS.Timeout | undefined;
  private watch: NodeJS.Timeout | undefined;
  /** When the last statement was begun that the database answered, or need not have been asked. */
  private storeAnswered = 0;
  private stopped = false;

  constructor(
    readonly group: string,
    private readonly self: Claimant,
    times: ElectionTimes,
    record: ElectionRecord,
    private readonly store: ElectionStore,
    private readonly surroundings: ElectionSurroundings,
  ) {
    this.timeoutMs = times.electionTimeout;
    this.heartbeatMs = times.heartbeat;
    this.machine = new ElectionMachine(
      {
        id: self.id,
        electionTimeoutMs: times.electionTimeout,
        heartbeatMs: times.heartbeat,
        confirmMs: times.confirm,
        random: Math.random,
      },
      record,
      performance.now(),
    );
  }

  get role(): ElectionRole {
    return this.stopped ? 'follower' : this.machine.role;
  }

  get term(): number {
    return this.machine.hearsay?.term ?? this.machine.term;
  }

  get leader(): string | undefined {
    return this.stopped ? undefined : (this.machine.leaderId ?? this.machine.hearsay?.from);
  }

  /** This member included. */
  get members(): readonly string[] {
    return this.known;
  }

  /** Whether this member leads, judged at this moment: one that was paused does not believe so any more. */
  get isLeading(): boolean {
    return !this.stopped && this.machine.isLeading(performance.now());
  }

  /** Looks which members there are; the first look starts the clock. */
  look(): void {
    this.lookAt = performance.now() + this.heartbeatMs;
    const members = [...new Set([...this.surroundings.members(), this.self.id])].sort();
    const changed = members.join(' ') !== this.known.join(' ');
    this.known = members;
    if (changed) this.step({ type: 'members', members });
  }

  step(event: ElectionEvent): void {
    if (this.stopped) return;
    if (performance.now() >= this.lookAt) this.look();
    for (const action of this.machine.step(performance.now(), event)) {
      // an observer of one may have left the group
      if (this.stopped) return;
      this.perform(action);
    }
    this.plan();
    this.surroundings.stepped();
  }

  /** A leader resigns; nothing is said or written from then on. Safe to call twice. */
  stop(): void {
    this.step({ type: 'resign' });
    this.stopped = true;
    clearTimeout(this.wake);
    clearTimeout(this.watch);
  }

  private plan(): void {
    clearTimeout(this.wake);
    if (this.stopped) return;
    const rest = this.machine.wakeAt - performance.now();
    this.wake = setTimeout(() => this.step({ type: 'tick' }), Math.min(Math.max(1, Math.ceil(rest)), LONGEST_SLEEP_MS));
  }

  private perform(action: ElectionAction): void {
    const { group, store, self } = this;
    switch (action.type) {
      case 'send':
        return this.surroundings.send(action.to, action.message);
      case 'store': {
        const { term, votedFor } = action;
        void this.asked(this.timeoutMs, () => store.vote(group, self.id, term, votedFor)).then((answer) =>
          this.step({ type: 'stored', term, ok: false, ...answer }),
        );
        return;
      }
      case 'claim': {
        const { term } = action;
        void this.asked(CLAIM_WITHIN_MS, () => store.claim(group, self, term)).then((answer) => {
          if (!answer) return this.step({ type: 'claimed', term, outcome: 'failed' });
          this.step({ type: 'claimed', term, outcome: answer.ok ? 'won' : 'lost', latest: answer.latest });
        });
        return;
      }
      case 'confirm':
        void this.asked(this.timeoutMs, () => store.read(group)).then((record) => {
          this.step(record ? { type: 'confirmed', asked: action.term, ...record } : { type: 'unread' });
        });
        return;
      case 'elected':
        this.watchStore(action.term);
        return this.surroundings.elected(action.term);
      case 'deposed':
        clearTimeout(this.watch);
        return this.surroundings.deposed(action.term, action.reason);
      case 'leader_changed':
    }
  }

  /** The answer, if there is one in time. */
  private async asked<T>(withinMs: number, statement: () => Promise<T>): Promise<T | undefined> {
    if (this.statements >= STATEMENTS_AT_ONCE) return undefined;
    this.statements++;
    const begun = performance.now();
    const answer = statement().then(
      (value) => {
        this.storeAnswered = Math.max(this.storeAnswered, begun);
        return value;
      },
      (error: unknown) => {
        const problem = `${this.group}: ${errorText(error)}`;
        if (error instanceof StoreUnavailableError) this.logger.debug(problem);
        else this.logger.warn(problem);
        return undefined;
      },
    );
    let late: NodeJS.Timeout | undefined;
    try {
      const timeout = new Promise<undefined>((resolve) => (late = setTimeout(resolve, withinMs, undefined)));
      return await Promise.race([answer.finally(() => this.statements--), timeout]);
    } finally {
      clearTimeout(late);
    }
  }

  /**
   * A leader that has not reached the database for an election time-out is of no use to a group whose other members may
   * reach it.
   */
  private watchStore(term: number): void {
    this.watch = setTimeout(() => {
      // No other member could do better: the database need not be asked.
      if (this.known.length === 1) {
        this.storeAnswered = performance.now();
        return this.watchStore(term);
      }
      void this.asked(this.timeoutMs, () => this.store.ping()).then(() => {
        if (this.stopped || this.machine.role !== 'leader' || this.machine.term !== term) return;
        if (performance.now() - this.storeAnswered <= this.timeoutMs || this.known.length === 1)
          return this.watchStore(term);
        this.logger.warn(`${this.group}: resigns, since the database does not answer`);
        this.step({ type: 'resign' });
      });
    }, this.timeoutMs / 2);
  }
}
