import { Injectable } from '@nestjs/common';
import { AgentClient } from 'agentmq/agent';
import { AgentMQError, contractOf, readPayload } from 'agentmq/protocol';
import { NlpRequest, NlpResult, TASK_PROGRESS_TOPIC, TaskProgress, type TaskRequest } from 'agentmq/contracts';
import { Distribution } from 'agentmq/coordination';
import { CsvAnalysis, type Progress } from './csv-analysis.js';
import type { CsvFile } from './csv/csv-file.js';
import { splitRecords } from './csv/split-records.js';
import { AnalysisInput } from './task-input.js';

const PROGRESS_EVERY_MS = 200;
const NLP_TIMEOUT_MS = 120_000;
/** Then another agent is asked: the same text gives the same result. */
const NLP_ATTEMPT_TIMEOUT_MS = 40_000;
const NLP_ATTEMPTS = 3;

/** The coordinator may not read files of its own machine for others. */
export class FilesForbiddenError extends AgentMQError {
  readonly code = 'FILES_FORBIDDEN';

  constructor() {
    super('payload.file: this coordinator reads no files; send the table itself as payload.csv');
  }
}

export interface RunContext {
  readonly taskId: string;
  readonly priority: number;
  readonly signal: AbortSignal;
}

/** The one file of the coordinator's machine that tasks may name, if any: that of a run on one's own machine. */
export class TaskPolicy {
  constructor(readonly allowedFile?: CsvFile) {}
}

/** Carries out tasks with the help of the agents that are able. */
@Injectable()
export class TaskRunner {
  constructor(
    private readonly agents: AgentClient,
    private readonly distribution: Distribution,
    private readonly analysis: CsvAnalysis,
    private readonly policy: TaskPolicy,
  ) {}

  /** Resolves with the task's result. Rejects with what went wrong; a payload that can't be used is a `ContractViolationError`. */
  run({ task, payload }: TaskRequest, context: RunContext): Promise<object> {
    return task === 'data_analysis' ? this.analyse(payload, context) : this.processText(payload, context);
  }

  private async analyse(payload: object, { taskId, priority, signal }: RunContext): Promise<object> {
    const { csv, file, name = 'input.csv', strict = false } = readPayload(contractOf(AnalysisInput), payload);
    const { allowedFile } = this.policy;
    const table = file === undefined ? undefined : allowedFile;
    if (file !== table?.name) throw new FilesForbiddenError();
    const chunks = () => table?.chunks() ?? splitRecords([Buffer.from(csv ?? '')], { file: name });
    const onProgress = this.progressOf(taskId);
    const { runId: _, ...summary } = await this.analysis.run({
      file: file ?? name,
      chunks,
      strict,
      priority,
      signal,
      onProgress,
    });
    return summary;
  }

  private async processText(payload: object, { priority, signal }: RunContext): Promise<object> {
    const request = readPayload(contractOf(NlpRequest), payload);
    return this.distribution.request({ capability: 'nlp_processing' }, NlpRequest, request, {
      answer: NlpResult,
      priority,
      signal,
      timeout: NLP_TIMEOUT_MS,
      attemptTimeout: NLP_ATTEMPT_TIMEOUT_MS,
      attempts: NLP_ATTEMPTS,
    });
  }

  /** Tells how far a task is, not more often than is worth it. */
  private progressOf(taskId: string): (progress: Progress) => void {
    let next = 0;
    return (progress) => {
      if (Date.now() < next) return;
      next = Date.now() + PROGRESS_EVERY_MS;
      this.agents.publish(TASK_PROGRESS_TOPIC, TaskProgress, { taskId, ...progress }).catch(() => undefined);
    };
  }
}
