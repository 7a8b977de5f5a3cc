import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { errorText, newMessageId } from 'agentmq/protocol';
import type { ReplaySelection } from 'agentmq/message-store';
import { Replayer, type ReplayRun } from 'agentmq/messaging';
import { within } from 'agentmq/time';
import { ReplayNotFoundError, TooManyReplaysError } from './errors.js';

export interface ReplayView {
  readonly id: string;
  readonly state: 'running' | 'ended' | 'stopped' | 'failed';
  readonly dryRun: boolean;
  /** Deliveries that the selection held so far, and those of them that were put on their way. */
  readonly matched: number;
  readonly replayed: number;
  readonly error?: string;
}

interface Job {
  view: ReplayView;
  failure?: unknown;
  readonly abort: AbortController;
}

const MOST_RUNNING = 4;
const KEPT = 100;
/** How long an answer waits for the end of what was asked for, in ms. */
const ANSWER_AFTER_MS = 5_000;

/** Replays that go on when the request that asked for them has been answered. Those of a monitor that stops end with it. */
@Injectable()
export class ReplayJobs implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Replay');
  private readonly jobs = new Map<string, Job>();

  constructor(private readonly replayer: Replayer) {}

  /**
   * Resolves when the replay has ended, or is still running after 5 s. Rejects as `Replayer.replay` does, and with
   * {@link TooManyReplaysError} while four are running.
   */
  async start(selection: ReplaySelection, run: Omit<ReplayRun, 'signal' | 'onProgress'>): Promise<ReplayView> {
    const running = [...this.jobs.values()].filter(({ view }) => view.state === 'running').length;
    if (running >= MOST_RUNNING) throw new TooManyReplaysError(MOST_RUNNING);
    const id = newMessageId();
    const job: Job = {
      view: { id, state: 'running', dryRun: run.dryRun ?? false, matched: 0, replayed: 0 },
      abort: new AbortController(),
    };
    this.jobs.set(id, job);
    this.forgetOldest();
    await within(ANSWER_AFTER_MS, this.carryOut(job, selection, run));
    if (job.failure === undefined) return job.view;
    this.jobs.delete(id);
    throw job.failure;
  }

  /** Throws {@link ReplayNotFoundError}. */
  read(id: string): ReplayView {
    return this.jobOf(id).view;
  }

  /** Ends a replay; what was put on its way goes its way. Throws {@link ReplayNotFoundError}. */
  stop(id: string): ReplayView {
    const job = this.jobOf(id);
    if (job.view.state === 'running') {
      job.view = { ...job.view, state: 'stopped' };
      job.abort.abort(new Error('stopped'));
    }
    return job.view;
  }

  beforeApplicationShutdown(): void {
    for (const id of this.jobs.keys()) this.stop(id);
  }

  private async carryOut(job: Job, selection: ReplaySelection, run: ReplayRun): Promise<void> {
    const { signal } = job.abort;
    try {
      await this.replayer.replay(selection, {
        ...run,
        signal,
        onProgress: (progress) => (job.view = { ...job.view, ...progress }),
      });
      job.view = { ...job.view, state: 'ended' };
    } catch (error) {
      if (signal.aborted) return;
      job.failure = error;
      job.view = { ...job.view, state: 'failed', error: errorText(error) };
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
