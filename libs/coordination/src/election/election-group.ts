import { Logger } from '@nestjs/common';
import { GuardedEvents } from 'agentmq/agent';
import type { Transaction } from 'agentmq/database';
import { BehaviorSubject, distinctUntilChanged, filter, firstValueFrom, type Observable, timeout } from 'rxjs';
import { ElectionDriver, type ElectionSurroundings, type ElectionTimes } from './election-driver.js';
import type { Claimant, ElectionStore, FencedStatement } from './election-store.js';
import { DeposedError, NotAMemberError, NotLeaderError, TransferFailedError } from './errors.js';
import type { ElectionRole } from './machine.js';
import type { DeposedReason, ElectionEvent, ElectionRecord } from './protocol.js';

/** How a group looks to one of its members. */
export interface ElectionState {
  readonly role: ElectionRole;
  /** The latest term that this member knows of; 0 before the first. */
  readonly term: number;
  /** Agent id; undefined while there is none, or none is known. */
  readonly leader: string | undefined;
  readonly isLeader: boolean;
}

/** One term of this agent's leading a group. */
export interface Leadership {
  readonly term: number;
  /** Aborted, with a `DeposedError`, when it ends. */
  readonly signal: AbortSignal;
  /** `ElectionGroup.fence` for this term. */
  fence<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** `ElectionGroup.fenced` for this term. */
  fenced<Row extends object>(statement: FencedStatement, parameters: readonly unknown[]): Promise<Row[]>;
}

/** What one of these throws or rejects with is logged, and changes nothing. */
export interface JoinOptions {
  /** This agent leads from now on, until `leadership.signal` aborts. */
  readonly onElected?: (leadership: Leadership) => unknown;
  /** It does not any more. */
  readonly onDeposed?: (term: number, reason: DeposedReason) => unknown;
}

/** How a group reaches its other members. */
export type GroupSurroundings = Pick<ElectionSurroundings, 'members' | 'send'> & {
  /** False when another instance has taken this agent's id: it has no say any more. */
  speaks(): boolean;
  /** Ends what was begun when it joined. */
  leave(): Promise<void>;
};

/** This agent's membership of a group of agents, one of which leads. */
export class ElectionGroup {
  /**
   * The state as it is, then whenever it changes; completes when this agent leaves the group. What an observer throws is
   * logged.
   */
  readonly changes: Observable<ElectionState>;
  private readonly logger = new Logger('Elections');
  private readonly driver: ElectionDriver;
  private readonly states: BehaviorSubject<ElectionState>;
  private leading: { readonly leadership: Leadership; readonly ended: AbortController } | undefined;
  private left: Promise<void> | undefined;

  constructor(
    readonly name: string,
    private readonly self: Claimant,
    private readonly times: ElectionTimes,
    record: ElectionRecord,
    private readonly store: ElectionStore,
    private readonly surroundings: GroupSurroundings,
    { onElected, onDeposed }: JoinOptions,
  ) {
    this.driver = new ElectionDriver(name, self, times, record, store, {
      members: () => surroundings.members(),
      send: (to, message) => surroundings.send(to, message),
      elected: (term) => {
        const leadership = this.lead(term);
        void this.tell('onElected', () => onElected?.(leadership));
      },
      deposed: (term, reason) => {
        this.logger.log(`${self.id} no longer leads ${name} in term ${term}: ${reason}`);
        this.leading?.ended.abort(new DeposedError(name, term));
        this.leading = undefined;
        void this.tell('onDeposed', () => onDeposed?.(term, reason));
      },
      stepped: () => {
        this.states.next(this.state);
        if (!surroundings.speaks()) void this.leave();
      },
    });
    this.states = new BehaviorSubject(this.state);
    const changes = this.states.pipe(
      distinctUntilChanged(
        (a, b) => a.role === b.role && a.term === b.term && a.leader === b.leader && a.isLeader === b.isLeader,
      ),
    );
    this.changes = new GuardedEvents(
      (subscriber) => changes.subscribe(subscriber),
      (error) => this.logger.error(error),
    );
    this.driver.look();
  }

  /** As it is at this very moment: a leader that was stopped and goes on does not take itself for one. */
  get state(): ElectionState {
    const { role, term, leader, isLeading } = this.driver;
    if (role === 'leader' && !isLeading) return { role: 'follower', term, leader: undefined, isLeader: false };
    return { role, term, leader, isLeader: isLeading };
  }

  /** Undefined unless this agent leads at this very moment. */
  get leadership(): Leadership | undefined {
    return this.driver.isLeading ? this.leading?.leadership : undefined;
  }

  /** Ids of the members that are alive as far as this one knows, itself included. */
  get members(): readonly string[] {
    return this.driver.members;
  }

  /**
   * Runs `work` in a transaction that is committed only if this agent still leads in `term` then, which the next
   * leader's election waits for: nothing that `work` writes by that transaction comes after a write of a later term.
   * What it sends, and what the app's own repositories write, is part of it. Rejects with {@link DeposedError} when it does not lead, and else as `Database.transaction` does: what `work`
   * rejects with, or `StoreUnavailableError`. Nothing was written then, but
   * for `StoreUnavailableError`: a connection that is lost during COMMIT leaves it unknown.
   */
  async fence<T>(term: number, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (this.leadership?.term !== term) throw new DeposedError(this.name, term);
    try {
      return await this.store.fence(this.name, this.self.instance, term, work);
    } catch (error) {
      if (error instanceof DeposedError && error.latest !== undefined)
        this.driver.step({ type: 'confirmed', latest: error.latest });
      throw error;
    }
  }

  /**
   * As {@link fence}, in one round trip: for one statement that returns rows if it has written anything. Where it returns none,
   * it is asked whether that is for the leadership.
   */
  async fenced<Row extends object>(
    term: number,
    statement: FencedStatement,
    parameters: readonly unknown[],
  ): Promise<Row[]> {
    if (this.leadership?.term !== term) throw new DeposedError(this.name, term);
    const rows = await this.store.fenced<Row>(this.name, this.self.instance, term, statement, parameters);
    if (rows.length === 0) await this.fence(term, () => Promise.resolve());
    return rows;
  }

  /**
   * Hands the leadership to another member, and resolves when that one leads. Rejects with {@link NotLeaderError},
   * {@link NotAMemberError}, or {@link TransferFailedError} when it does not lead within `timeout` ms (unless given: four
   * times the election time-out).
   */
  async transfer(to: string, options: { readonly timeout?: number } = {}): Promise<void> {
    if (!this.state.isLeader) throw new NotLeaderError(this.name);
    if (!this.members.includes(to)) throw new NotAMemberError(this.name, to);
    const ask = () => this.driver.step({ type: 'transfer', to });
    const asking = setInterval(ask, this.times.heartbeat);
    const led = this.changes.pipe(
      filter(({ leader }) => leader === to),
      timeout({ first: options.timeout ?? 4 * this.times.electionTimeout }),
    );
    try {
      ask();
      await firstValueFrom(led);
    } catch (cause) {
      throw new TransferFailedError(this.name, to, { cause });
    } finally {
      clearInterval(asking);
    }
  }

  /** Gives the leadership up, to whichever member answered last; nothing for others than the leader. */
  resign(): void {
    this.driver.step({ type: 'resign' });
  }

  /** Resigns, and is no member from then on. Resolves when the others have been told, if they can be. Safe to call twice. */
  leave(): Promise<void> {
    this.left ??= this.end();
    return this.left;
  }

  /** What has happened outside, for whoever made this group. */
  step(event: Extract<ElectionEvent, { readonly type: 'received' }>): void {
    this.driver.step(event);
  }

  /** The members may have changed. */
  look(): void {
    this.driver.look();
  }

  /** All but what the surroundings do has been done when this returns. */
  private end(): Promise<void> {
    // Stepping once more, the driver asks for it again.
    this.left = Promise.resolve();
    this.driver.stop();
    this.states.next(this.state);
    this.states.complete();
    return this.surroundings.leave();
  }

  private lead(term: number): Leadership {
    this.logger.log(`${this.self.id} leads ${this.name} in term ${term}`);
    const ended = new AbortController();
    const leadership: Leadership = {
      term,
      signal: ended.signal,
      fence: (work) => this.fence(term, work),
      fenced: (statement, parameters) => this.fenced(term, statement, parameters),
    };
    this.leading = { leadership, ended };
    return leadership;
  }

  /** Later, and apart: the election goes on whatever an app does. */
  private async tell(what: string, callback: () => unknown): Promise<void> {
    try {
      await Promise.resolve();
      await callback();
    } catch (error) {
      this.logger.error(`${what} of ${this.name}: ${describe(error)}`);
    }
  }
}

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
