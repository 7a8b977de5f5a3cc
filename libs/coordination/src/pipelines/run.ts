import { resultView } from '../tasks/result.js';
import type { StageDraft } from '../tasks/store/stages.js';
import type { PipelineRun, StageOfRun } from './pipeline.js';
import { pipelineOf, type RunRow } from './pipeline-store.js';

/** A run, of its row and the rows of the stages that it has reached, in any order; undefined without the run's own. */
export function runOf(rows: readonly RunRow[]): PipelineRun | undefined {
  const row = rows.find(({ stages }) => stages);
  if (!row?.stages) return undefined;
  const reached = new Map(rows.map((stage) => [stage === row ? null : stage.key, stage]));
  const { id, destination, submitter, createdAt, finishedAt, deadline, error, result } = row;
  return {
    id,
    pipeline: pipelineOf(destination),
    state: row.state as PipelineRun['state'],
    stages: row.stages.map((stage) => stageOf(stage, reached.get(stage.name))),
    submitter,
    createdAt,
    finishedAt,
    deadline,
    error,
    ...resultView(result),
  };
}

/** The last of them that is not pending. */
export const stageReached = (stages: readonly StageOfRun[]): string =>
  stages.findLast(({ state }) => state !== 'pending')?.name ?? '';

function stageOf({ name, destination }: StageDraft, row: RunRow | undefined): StageOfRun {
  return {
    name,
    state: row?.state ?? 'pending',
    destination,
    taskId: row?.id ?? null,
    attempt: row?.attempt ?? 0,
    failures: row?.failures ?? 0,
    agentId: row?.agentId ?? null,
    reachedAt: row?.createdAt ?? null,
    startedAt: row?.startedAt ?? null,
    finishedAt: row?.finishedAt ?? null,
    error: row?.error ?? null,
  };
}
