import { Injectable, Logger } from '@nestjs/common';
import { AgentClient } from 'agentmq/agent';
import { AgentMQError, newMessageId, RemoteError } from 'agentmq/protocol';
import { AnalysisSummary, RunRequest, SummaryRequest, WorkAssignment, WorkReceipt } from 'agentmq/contracts';
import { Distribution, fanOut, NoAbleAgentError } from 'agentmq/coordination';
import type { AgentRecord } from 'agentmq/message-store';
import { RowTally } from './csv/row-tally.js';
import type { CsvChunk } from './csv/splitter.js';

/** How far an analysis is. */
export interface Progress {
  readonly pass: number;
  readonly rows: number;
  readonly bytes: number;
}

export interface AnalysisJob {
  /** What errors call the input. */
  readonly file: string;
  /** The input's chunks; called once per pass. */
  readonly chunks: () => AsyncIterable<CsvChunk>;
  /** Refuse the input for its first rejected row. */
  readonly strict: boolean;
  readonly priority: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** The specialist that was merging a run is gone, and what it had merged with it. */
export class SpecialistLostError extends AgentMQError {
  readonly code = 'SPECIALIST_LOST';
  override readonly retryable = true;

  constructor(readonly agentId: string) {
    super(`${agentId} was lost while it merged a run`);
  }
}

/** Chunks under way at once, whatever the number of workers: it bounds the memory of all who take part. */
const WINDOW = 6;
const ATTEMPTS = 5;
const RUN_ATTEMPTS = 3;
const ENGAGE_TIMEOUT_MS = 5_000;
const ENGAGE_FOR_MS = 120_000;
const ASSIGNMENT_TIMEOUT_MS = 120_000;
const SUMMARY_TIMEOUT_MS = 300_000;
const WATCH_EVERY_MS = 1_000;

/** Analyses a table: workers parse its chunks, a specialist merges what they find. */
@Injectable()
export class CsvAnalysis {
  private readonly logger = new Logger('CsvAnalysis');

  constructor(
    private readonly agents: AgentClient,
    private readonly distribution: Distribution,
  ) {}

  /**
   * Resolves with the summary of the whole input. Rejects with `CsvInputError`, `NoAbleAgentError`, or what the agents
   * answered. A specialist that is lost takes what it has merged with it: the run then begins anew with another.
   */
  async run(job: AnalysisJob): Promise<AnalysisSummary> {
    const lost = new Set<string>();
    for (let attempt = 1; ; attempt++) {
      const runId = newMessageId();
      const specialist = await this.engage(runId, lost, job.signal);
      try {
        return await this.watched(specialist, job.signal, (signal) =>
          this.analyse({ ...job, signal }, specialist, runId),
        );
      } catch (error) {
        if (attempt === RUN_ATTEMPTS || job.signal.aborted || !meansSpecialistLost(error)) throw error;
        if (!isOfTheBroker(error)) lost.add(specialist.instance);
        this.logger.warn(`beginning anew: ${error.message}`);
      }
    }
  }

  /**
   * A specialist that answers. Preferably none that is `lost`; but who was given up while the broker was away, say, may
   * well answer later, so when nobody else is found all are asked again.
   */
  private async engage(runId: string, lost: ReadonlySet<string>, signal: AbortSignal): Promise<AgentRecord> {
    const end = Date.now() + ENGAGE_FOR_MS;
    for (let except = new Set(lost); ;) {
      try {
        const specialist = await this.distribution.findAble({ capability: 'data_analysis' }, { except, signal });
        except.add(specialist.instance);
        await this.agents.request(
          { agent: specialist.id },
          RunRequest,
          { runId },
          { timeout: ENGAGE_TIMEOUT_MS, signal },
        );
        return specialist;
      } catch (error) {
        if (signal.aborted || Date.now() > end || !(error instanceof AgentMQError && error.retryable)) throw error;
        if (error instanceof NoAbleAgentError) except = new Set();
      }
    }
  }

  /** Does work that rests on one instance of an agent; rejects with {@link SpecialistLostError} when the registry gives it up. */
  private async watched<T>(
    { id, instance }: AgentRecord,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const lost = new AbortController();
    const timer = setInterval(() => {
      if (this.agents.find({ id, health: ['healthy', 'suspect'] })[0]?.instance !== instance)
        lost.abort(new SpecialistLostError(id));
    }, WATCH_EVERY_MS);
    try {
      return await work(AbortSignal.any([signal, lost.signal]));
    } finally {
      clearInterval(timer);
    }
  }

  private async analyse(job: AnalysisJob, specialist: AgentRecord, runId: string): Promise<AnalysisSummary> {
    const first = await this.pass(job, specialist, runId);
    if (first.undecided.length === 0) return first;
    return this.pass(job, specialist, runId, first.undecided);
  }

  /** Sends every chunk through a worker to the specialist, and asks for the summary. `only`: count these columns as text. */
  private async pass(
    job: AnalysisJob,
    specialist: AgentRecord,
    runId: string,
    only?: string[],
  ): Promise<AnalysisSummary> {
    const { priority, signal } = job;
    const worker = await this.distribution.findAble({ capability: 'csv_processing' }, { signal });
    const tally = new RowTally(job);
    let chunks = 0;
    let bytes = 0;
    const source = takeWhile(job.chunks(), () => !tally.hopeless);
    const work = async ({ index, firstLine, columns, delimiter, text }: CsvChunk): Promise<void> => {
      const assignment: WorkAssignment = {
        runId,
        chunk: index,
        firstLine,
        columns: [...columns],
        delimiter,
        text,
        mergeAt: specialist.id,
        ...(only ? { only } : {}),
      };
      const options = { answer: WorkReceipt, priority, signal, timeout: ASSIGNMENT_TIMEOUT_MS };
      const receipt = await this.agents.request({ role: worker.role }, WorkAssignment, assignment, options);
      tally.add(receipt);
      chunks++;
      bytes += Buffer.byteLength(text);
      job.onProgress({ pass: only ? 2 : 1, rows: tally.rows, bytes });
    };
    await fanOut(source, work, {
      window: WINDOW,
      attempts: ATTEMPTS,
      signal,
      retry: (error) => !toldBySpecialist(error),
    });
    tally.check();
    const request: SummaryRequest = { runId, chunks, recount: only !== undefined };
    const options = { answer: AnalysisSummary, priority, signal, timeout: SUMMARY_TIMEOUT_MS };
    return this.agents.request({ agent: specialist.id }, SummaryRequest, request, options);
  }
}

async function* takeWhile<T>(source: AsyncIterable<T>, holds: () => boolean): AsyncGenerator<T, void, undefined> {
  for await (const item of source) {
    if (!holds()) return;
    yield item;
  }
}

/** A worker could not reach the specialist, or was told that it knows nothing of the run: another worker would fare alike. */
const toldBySpecialist = (error: unknown): boolean =>
  error instanceof RemoteError && ['NO_RECIPIENT', 'REQUEST_TIMEOUT', 'UNKNOWN_RUN'].includes(error.code);

const meansSpecialistLost = (error: unknown): error is AgentMQError =>
  toldBySpecialist(error) || (error instanceof AgentMQError && error.retryable);

/** Says nothing of the specialist. */
const isOfTheBroker = ({ code }: AgentMQError): boolean =>
  code === 'BROKER_UNAVAILABLE' || code === 'REQUEST_INTERRUPTED' || code === 'STORE_UNAVAILABLE';
