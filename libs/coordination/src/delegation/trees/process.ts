import { AgentIdentity, loadSettings } from 'agentmq/agent';
import type { MessageContext } from 'agentmq/agent';
import { newMessageId, TASK_HEADER } from 'agentmq/protocol';
import type { Database } from 'agentmq/database';
import { KeyRing, Sampler, Sealer } from 'agentmq/messaging';
import type { ExecutionContext } from '@nestjs/common';
import { from, lastValueFrom } from 'rxjs';
import { Delegation } from '../delegation.js';
import { Strategies } from '../../balancing/strategies.js';
import { Assignments } from '../../tasks/assignments.js';
import type { TaskNotices } from '../../tasks/notices.js';
import { TaskInterceptor } from '../../tasks/task.decorator.js';
import { TaskContext } from '../../tasks/task-context.js';
import { TaskWaiting } from '../../tasks/task-waiting.js';
import { TaskSealing } from '../../tasks/task-sealing.js';
import { Tasks } from '../../tasks/tasks.js';

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

/** A message that brings a task. */
export interface Assignment {
  readonly id: string;
  readonly assignment: string;
  readonly payload: string;
}

export type Method = (payload: unknown, context: TaskContext, process: AgentProcess) => Promise<unknown>;

/** An agent's process, of the real parts: but its statements, messages and notices wait for the schedule. */
export class AgentProcess {
  readonly instance: string;
  readonly tasks: Tasks;
  readonly delegation: Delegation;
  /** Messages that it has not completed. */
  readonly inbox = new Map<string, Assignment>();
  /** `gone` to the others: it may be dead, or go on as if nothing had happened. */
  state: 'alive' | 'paused' | 'dead' = 'alive';
  isGone = false;
  private readonly hearing: Record<Notice, Set<(ids: readonly string[]) => void>> = {
    queued: new Set(),
    settled: new Set(),
    cancelled: new Set(),
  };
  private readonly end = new AbortController();
  private readonly interceptor: TaskInterceptor;
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
    } as unknown as Database;
    const notices = {
      on: (kind: Notice, hear: (ids: readonly string[]) => void) => {
        this.hearing[kind].add(hear);
        return () => this.hearing[kind].delete(hear);
      },
      queued: () => undefined,
      settled: (tasks: readonly { id: string; submitter: string }[]) => {
        for (const task of tasks) carrier.settled(task.submitter, [task.id]);
      },
      cancelled: (ids: readonly string[]) => carrier.cancelled(ids),
    } as unknown as TaskNotices;
    const server = { stopping: new AbortController().signal, isClosing: false };
    this.waiting = new TaskWaiting(server as never, notices, database);
    const sealing = new TaskSealing(new Sealer(new KeyRing({ keys: [] }), 'off'));
    this.tasks = new Tasks(
      identity,
      settings,
      new Strategies(),
      notices,
      this.waiting,
      sealing,
      database,
      new Sampler({ rate: 0, ratio: 0 }),
    );
    this.assignments = new Assignments(notices, database);
    this.delegation = new Delegation(this.tasks, this.assignments);
    this.interceptor = new TaskInterceptor(this.assignments, notices, settings, sealing, database);
  }

  hear(kind: Notice, ids: readonly string[]): void {
    for (const hear of this.hearing[kind]) hear(ids);
  }

  /** Handles a message, as the bus has it handled: completed when that resolves, and else to be handled again. */
  async handle(assigned: Assignment): Promise<void> {
    const handling = {
      message: {
        messageId: assigned.assignment,
        headers: { [TASK_HEADER]: assigned.id },
        priority: 5,
        correlationId: assigned.id,
      },
      consumer: `agent.${this.id}`,
      attempt: 1,
      signal: this.end.signal,
    };
    const args: unknown[] = [JSON.parse(assigned.payload), { getArgs: () => [handling] }];
    const context = {
      switchToRpc: () => ({ getContext: () => args[1] as MessageContext }),
      getArgs: () => args,
    } as unknown as ExecutionContext;
    const handle = () => from(this.method(args[0], args[1] as TaskContext, this));
    try {
      await lastValueFrom(this.interceptor.intercept(context, { handle }), { defaultValue: undefined });
      this.inbox.delete(assigned.assignment);
    } catch {
      if (this.state === 'alive') this.deliver(assigned);
    }
  }

  deliver(assigned: Assignment): void {
    this.inbox.set(assigned.assignment, assigned);
    this.carrier.add({ owner: this, kind: 'message', run: () => void this.handle(assigned) });
  }

  /** Ends what it leaves behind in this process. */
  close(): void {
    this.state = 'dead';
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
