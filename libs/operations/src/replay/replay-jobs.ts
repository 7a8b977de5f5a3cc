import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { errorText, newMessageId } from 'agentmq/protocol';
import type { ReplayPreview } from 'agentmq/message-store';
import type { ReplayProgress, ReplayRun } from 'agentmq/messaging';
import { within } from 'agentmq/time';
import { Audit } from '../audit/audit.js';
import { ReplayNotFoundError, TooManyReplaysError } from '../errors.js';
import type { Actor } from '../views/changes.js';

/** What is done to many deliveries, and how far it is. */
export interface ReplayView {
  readonly id: string;
  readonly kind: 'replay' | 'requeue' | 'discard' | 'move';
  /** What was selected, for people. */
  readonly target: string;
  readonly by: string;
  readonly startedAt: Date;
  /** Absent while it runs. */
  readonly endedAt?: Date;
  readonly state: 'running' | 'ended' | 'stopped' | 'failed';
  readonly dryRun: boolean;
  /** Deliveries that the selection held so far, and those of them that were put on their way, discarded, or moved. */
  readonly matched: number;
  readonly replayed: number;
  /** Of a dry run: by consumer and type, and some of the ids. */
  readonly preview?: ReplayPreview;
  readonly error?: string;
}

/** What a job is, and for which caller. */
export type ReplayJob = Pick<ReplayView, 'kind' | 'target' | 'dryRun'> & { readonly actor: Actor };

/** Carries it out, telling how far it is, until the signal aborts. */
export type ReplayWork = (run: Required<Pick<ReplayRun, 'signal' | 'onProgress'>>) => Promise<ReplayProgress>;

interface Job {
  view: ReplayView;
  failure?: unknown;
  readonly abort: AbortController;
}

const MOST_RUNNING = 4;
const KEPT = 100;
/** How long an answer waits for the end of what was asked for, in ms. */
const ANSWER_AFTER_MS = 5_000;

/** Replays, and other changes of many deliveries, that go on when the request that asked for them has been answered. Those of a monitor that stops end with it. */
@Injectable()
export class ReplayJobs implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Replay');
  private readonly jobs = new Map<string, Job>();

  constructor(private readonly audit: Audit) {}

  /**
   * Resolves when the work has ended, or is still running after 5 s. Rejects as the work does, and with
   * {@link TooManyReplaysError} while four are running.
   */
  async start({ actor, ...told }: ReplayJob, work: ReplayWork): Promise<ReplayView> {
    const running = [...this.jobs.values()].filter(({ view }) => view.state === 'running').length;
    if (running >= MOST_RUNNING) throw new TooManyReplaysError(MOST_RUNNING);
    const id = newMessageId();
    const job: Job = {
      view: { id, ...told, by: actor.name, startedAt: new Date(), state: 'running', matched: 0, replayed: 0 },
      abort: new AbortController(),
    };
    this.jobs.set(id, job);
    this.forgetOldest();
    await within(ANSWER_AFTER_MS, this.carryOut(job, work));
    if (job.failure === undefined) return job.view;
    this.jobs.delete(id);
    throw job.failure;
  }

  /** Those that run and the latest that ended, the newest first. */
  list(): readonly ReplayView[] {
    return [...this.jobs.values()].map(({ view }) => view).reverse();
  }

  /** Throws {@link ReplayNotFoundError}. */
  read(id: string): ReplayView {
    return this.jobOf(id).view;
  }

  /**
   * Ends a replay; what was put on its way goes its way. Resolves when that is in the audit, unless it was a dry run or had ended. Rejects
   * with {@link ReplayNotFoundError}, and as the database does: it has ended all the same.
   */
  async stop(actor: Actor, id: string): Promise<ReplayView> {
    const job = this.jobOf(id);
    const isEnded = this.end(job);
    const { view } = job;
    const { kind, target, dryRun } = view;
    if (isEnded && !dryRun)
      await this.audit.record(actor, { action: 'replay.stop', target: id, reason: `${kind} of ${target}`, rows: 1 });
    return view;
  }

  beforeApplicationShutdown(): void {
    for (const job of this.jobs.values()) this.end(job);
  }

  /** Whether it was running. */
  private end(job: Job): boolean {
    if (job.view.state !== 'running') return false;
    job.view = { ...job.view, state: 'stopped', endedAt: new Date() };
    job.abort.abort(new Error('stopped'));
    return true;
  }

  private async carryOut(job: Job, work: ReplayWork): Promise<void> {
    const { signal } = job.abort;
    try {
      await work({ signal, onProgress: (progress) => (job.view = { ...job.view, ...progress }) });
      // Stopped after its last batch: it was told so.
      if (job.view.state === 'running') job.view = { ...job.view, state: 'ended', endedAt: new Date() };
    } catch (error) {
      if (signal.aborted) return;
      job.failure = error;
      job.view = { ...job.view, state: 'failed', endedAt: new Date(), error: errorText(error) };
      this.logger.warn(`${job.view.id}: ${job.view.error}`);
    }
  }

  private jobOf(id: string): Job {
    const job = this.jobs.get(id);
    if (!job) throw new ReplayNotFoundError(id);
    return job;
  }

  private forgetOldest(): void {
    for (const [id, { view }] of this.jobs) {
      if (this.jobs.size <= KEPT) return;
      if (view.state !== 'running') this.jobs.delete(id);
    }
  }
}
