import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { StoreUnavailableError } from 'agentmq/database';
import { MessageBus } from 'agentmq/messaging';
import { contractOfInstance, errorText, writeResult } from 'agentmq/protocol';
import { InvalidTaskError } from '../errors.js';
import { TaskReport, topicOfProgress } from '../progress.js';
import { type ProgressReport, TaskStore } from '../store/task-store.js';
import type { RunningTask } from './task-context.js';

/** How often the progress of one task is announced at most, in ms; and how often that of all tasks here is written. */
const ANNOUNCE_MS = 200;
const WRITE_MS = 1_000;
/** How long an announcement means anything, in ms. */
const TTL_MS = 5_000;
const MAX_BYTES = 16 * 1024;

interface Report extends ProgressReport {
  readonly attempt: number;
}

/** Tells how far this agent is with its tasks: to what follows them now, and in their rows. The latest report of a task counts. */
@Injectable()
export class ProgressReports implements OnApplicationShutdown {
  private readonly logger = new Logger('Tasks');
  /** By assignment, for a while after an announcement: what is to be announced then, if anything. */
  private readonly resting = new Map<string, Report | undefined>();
  /** By assignment. */
  private readonly unwritten = new Map<string, Report>();
  private writing: NodeJS.Timeout | undefined;

  constructor(
    private readonly bus: MessageBus,
    private readonly tasks: TaskStore,
  ) {}

  /** Never waits. Throws {@link InvalidTaskError} for what is no JSON object of at most 16 KiB, and nothing else. */
  report({ id, assignment, attempt, sensitive, signal }: RunningTask, progress: object): void {
    const json = jsonOf(progress);
    if (sensitive || contractOfInstance(progress)?.sensitive || signal.aborted) return;
    const report: Report = { id, assignment, attempt, progress: json, at: Date.now() };
    this.unwritten.set(assignment, report);
    this.writing ??= setTimeout(() => void this.write(), WRITE_MS);
    if (this.resting.has(assignment)) this.resting.set(assignment, report);
    else this.announce(report);
  }

  onApplicationShutdown(): void {
    clearTimeout(this.writing);
    this.unwritten.clear();
    this.resting.clear();
  }

  private announce(report: Report): void {
    const { id, assignment, attempt, at } = report;
    this.resting.set(assignment, undefined);
    setTimeout(() => {
      const next = this.resting.get(assignment);
      this.resting.delete(assignment);
      if (next) this.announce(next);
    }, ANNOUNCE_MS).unref();
    try {
      const progress = JSON.parse(report.progress) as object;
      const told = { taskId: id, attempt, progress, at: new Date(at) };
      this.bus.announce(topicOfProgress(id), TaskReport, told, { ttl: TTL_MS });
    } catch (error) {
      this.logger.debug(`progress of ${id}: ${errorText(error)}`);
    }
  }

  /** One statement for all tasks; what came meanwhile is written by the next one. */
  private async write(): Promise<void> {
    const reports = [...this.unwritten.values()];
    this.unwritten.clear();
    try {
      await this.tasks.report(reports);
    } catch (error) {
      this.logger.debug(`progress of ${reports.length} tasks: ${errorText(error)}`);
      if (error instanceof StoreUnavailableError)
        for (const report of reports)
          if (!this.unwritten.has(report.assignment)) this.unwritten.set(report.assignment, report);
    }
    this.writing = this.unwritten.size > 0 ? setTimeout(() => void this.write(), WRITE_MS) : undefined;
  }
}

function jsonOf(progress: unknown): string {
  if (typeof progress !== 'object' || progress === null || Array.isArray(progress))
    throw new InvalidTaskError('progress', 'is no object');
  let json: string;
  try {
    json = writeResult(progress);
  } catch (error) {
    throw new InvalidTaskError('progress', `has no form in JSON: ${errorText(error)}`);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_BYTES)
    throw new InvalidTaskError('progress', `has ${bytes} bytes, more than the ${MAX_BYTES} allowed`);
  return json;
}
