import { type AgentHandler, AgentIdentity, loadSettings, type Startup } from 'agentmq/agent';
import { type Message, newMessageId } from 'agentmq/protocol';
import type { Database, PreparedStatement } from 'agentmq/database';
import { type Handling, inFlow, KeyRing, type MessageBus, Sampler, Sealer } from 'agentmq/messaging';
import { Delegation, Strategies, TaskContext, Tasks } from 'agentmq/coordination';
import { Assignments } from '../../libs/coordination/src/tasks/worker/assignments.js';
import type { TaskNotices } from '../../libs/coordination/src/tasks/notices.js';
import type { ProgressReports } from '../../libs/coordination/src/tasks/worker/progress-reports.js';
import { TaskAttempts } from '../../libs/coordination/src/tasks/worker/task-attempts.js';
import { TaskWorker } from '../../libs/coordination/src/tasks/worker/task-worker.js';
import { TaskWaiting } from '../../libs/coordination/src/tasks/client/task-waiting.js';
import { TaskWatching } from '../../libs/coordination/src/tasks/client/task-watching.js';
import { TaskSealing } from '../../libs/coordination/src/tasks/task-sealing.js';
import { AttemptStore } from '../../libs/coordination/src/tasks/store/attempt-store.js';
import { TaskStore } from '../../libs/coordination/src/tasks/store/task-store.js';
import type { TaskRef } from '../../libs/coordination/src/tasks/store/settled.js';

/** Something that is about to happen, when the schedule says so. */
export interface Step {
  readonly owner: AgentProcess;
  readonly kind: 'statement' | 'answer' | 'message' | 'notice';
  /** Of a statement: whether it changes anything. */
  readonly writes?: boolean;
  run(): Promise<void> | void;
}

export type Notice = 'queued' | 'settled' | 'cancelled';

/** What carries statements, messages and notices, and decides when. */
export interface Carrier {
  readonly database: Database;
  add(step: Step): void;
  settled(submitter: string, ids: readonly string[]): void;
  cancelled(ids: readonly string[]): void;
}

export type Method = (payload: unknown, context: TaskContext, process: AgentProcess) => Promise<unknown>;

/** An agent's process, of the real parts: but its statements, messages and notices wait for the schedule. */
export class AgentProcess {
  readonly instance: string;
  readonly tasks: Tasks;
  readonly delegation: Delegation;
  /** `gone` to the others: it may be dead, or go on as if nothing had happened. */
  state: 'alive' | 'paused' | 'dead' = 'alive';
  isGone = false;
  private readonly hearing: Record<Notice, Set<(ids: readonly string[]) => void>> = {
    queued: new Set(),
    settled: new Set(),
    cancelled: new Set(),
  };
  private readonly end = new AbortController();
  private readonly attempts: TaskAttempts;
  private readonly worker: TaskWorker;
  private hearOf: (assigned: { instance: string; tasks: TaskRef[] }) => void = () => undefined;
  private readonly assignments: Assignments;
  private readonly waiting: TaskWaiting;

  constructor(
    readonly id: string,
    private readonly carrier: Carrier,
    private readonly method: Method,
  ) {
    const settings = loadSettings({ NAMESPACE: carrier.database.schema, AGENT_ID: id });
    const identity = new AgentIdentity([{ role: 'node' }], settings);
    this.instance = identity.instance;
    const database = {
      schema: carrier.database.schema,
      transactionsAtOnce: carrier.database.transactionsAtOnce,
      query: (sql: string, parameters: readonly unknown[]) => this.query(sql, parameters),
      ownQuery: (statement: string | PreparedStatement, parameters: readonly unknown[]) =>
        this.query(typeof statement === 'string' ? statement : statement.text, parameters),
    } as unknown as Database;
    const settled = (tasks: readonly { id: string; submitter: string }[]): void => {
      for (const task of tasks) carrier.settled(task.submitter, [task.id]);
    };
    const notices = {
      on: (kind: Notice, hear: (ids: readonly string[]) => void) => {
        this.hearing[kind].add(hear);
        return () => this.hearing[kind].delete(hear);
      },
      queued: () => undefined,
      settled,
      ended: (tasks: readonly { id: string; submitter: string }[]) => {
        settled(tasks);
        carrier.cancelled(tasks.map(({ id }) => id));
      },
      cancelled: (ids: readonly string[]) => carrier.cancelled(ids),
    } as unknown as TaskNotices;
    const server = { stopping: new AbortController().signal, isClosing: false };
    const store = new TaskStore(database);
    const attempts = new AttemptStore(database);
    this.waiting = new TaskWaiting(server as never, notices, store);
    const sealing = new TaskSealing(new Sealer(new KeyRing({ keys: [] }), 'off'));
    this.tasks = new Tasks(
      identity,
      settings,
      new Strategies(),
      notices,
      this.waiting,
      sealing,
      store,
      new Sampler({ rate: 0, ratio: 0 }),
      new TaskWatching(server as never, {} as MessageBus, notices, store),
      { whenReady: (work: () => Promise<never>) => work() } as unknown as Startup,
    );
    this.assignments = new Assignments(notices, attempts);
    this.delegation = new Delegation(this.tasks, this.assignments);
    this.attempts = new TaskAttempts(
      identity,
      settings,
      this.assignments,
      notices,
      sealing,
      database,
      attempts,
      {} as ProgressReports,
    );
    const bus = {
      runner: () => this.runner(),
      listen: (_topics: unknown, _contract: unknown, hear: typeof this.hearOf) => Promise.resolve((this.hearOf = hear)),
    };
    const types = { declare: () => Promise.resolve() };
    const intakes = { addIntake: () => undefined };
    const pauses = { isPaused: false, add: () => undefined };
    this.worker = new TaskWorker(
      identity,
      bus as never,
      this.attempts,
      types as never,
      { begun: () => undefined } as never,
      pauses as never,
      intakes as never,
    );
    void this.worker.open([{ task: true } as AgentHandler]);
  }

  hear(kind: Notice, ids: readonly string[]): void {
    for (const hear of this.hearing[kind]) hear(ids);
  }

  /** What the bus is for the worker. */
  private runner(): unknown {
    return {
      places: { isFull: false, take: () => undefined, free: () => undefined },
      start: ({ message }: { readonly message: Message }) => {
        const stop = new AbortController();
        const about = { consumer: `agent.${this.id}`, attempt: 1, agentId: this.id };
        const handling = { message, ...about, signal: stop.signal } satisfies Handling;
        const aborted = new Promise((_, reject) =>
          stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error)),
        );
        aborted.catch(() => undefined);
        return {
          handling,
          isSensitive: false,
          transactional: false,
          get aborted() {
            return stop.signal.reason as Error | undefined;
          },
          abort: (reason: Error) => stop.abort(reason),
          answer: () =>
            Promise.race([
              inFlow({ handling }, () =>
                this.method(JSON.parse(message.body.toString()), new TaskContext(handling), this),
              ),
              aborted,
            ]),
          ended: () => undefined,
        };
      },
    };
  }

  /** Tells it what it was assigned. */
  deliver({ id, assignment }: TaskRef): void {
    const { instance } = this;
    this.carrier.add({
      owner: this,
      kind: 'message',
      run: () => this.hearOf({ instance, tasks: [{ id, assignment }] }),
    });
  }

  /** Ends what it leaves behind in this process. */
  close(): void {
    this.state = 'dead';
    this.attempts.end();
    this.end.abort(new Error('the end'));
    this.assignments.onApplicationShutdown();
    this.waiting.onApplicationShutdown();
  }

  /** A dead process hears nothing of its statements, whether they were carried out or not; at the end they fail. */
  private query(sql: string, parameters: readonly unknown[]): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const { signal } = this.end;
      if (signal.aborted) {
        reject(new Error('the end'));
        return;
      }
      signal.addEventListener('abort', () => reject(new Error('the end')));
      const answer = (tell: () => void): void => this.carrier.add({ owner: this, kind: 'answer', run: tell });
      this.carrier.add({
        owner: this,
        kind: 'statement',
        writes: /\b(INSERT INTO|UPDATE "|DELETE)/.test(sql),
        run: async () => {
          try {
            const rows = await this.carrier.database.query(sql, parameters);
            answer(() => resolve(rows));
          } catch (error) {
            answer(() => reject(error instanceof Error ? error : new Error(String(error))));
          }
        },
      });
    });
  }
}

export const newAgentId = (): string => `agent-${newMessageId().slice(-12)}`;
