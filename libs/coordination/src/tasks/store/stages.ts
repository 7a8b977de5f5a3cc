/** A stage of a pipeline, as each run has it on record. Columns of the stage's row, but for the first two. */
export interface StageDraft {
  readonly name: string;
  /** The stage before it; null for the first. */
  readonly after: string | null;
  readonly type: string;
  readonly version: number;
  readonly destination: string;
  readonly strategy: string;
  readonly attempts: number;
  readonly lane: string;
  readonly lane_limit: number | null;
  readonly feeds: string | null;
  readonly feeds_limit: number | null;
  /** What it returns is sealed, since the next stage's contract is sensitive. No column: its agent asks the run. */
  readonly hands_on_sealed: boolean;
}

/**
 * Of a statement that moves runs on: writes the stages that come next. `run` is to be a table of the runs' rows, `step` one
 * of (run_id, after, stage_id, payload, cause_id): the stage that is done, null at the beginning, the id of the next one,
 * and what that gets. A run whose last stage is done gets none.
 */
export const insertNextStages = (tasks: string): string =>
  `INSERT INTO ${tasks} (id, parent_id, key, type, version, payload, destination, strategy, affinity, priority, attempts,
     on_failure, lane, lane_limit, feeds, feeds_limit, state, submitter, cause_id, trace, due_at, deadline)
   SELECT step.stage_id, run.id, next.name, next.type, next.version, step.payload, next.destination, next.strategy,
     run.affinity, run.priority, next.attempts, run.on_failure, next.lane, next.lane_limit, next.feeds,
     next.feeds_limit, 'queued', run.submitter, step.cause_id, run.trace, clock_timestamp(), run.deadline
   FROM step JOIN run ON run.id = step.run_id
   CROSS JOIN LATERAL json_to_recordset(run.stages) AS next (name text, after text, type text, version integer,
     destination text, strategy text, attempts integer, lane text, lane_limit integer, feeds text, feeds_limit integer)
   WHERE next.after IS NOT DISTINCT FROM step.after
   RETURNING parent_id`;

/** Of a stage, as `of` names its row: what {@link StageDraft.hands_on_sealed} says. */
export const handsOnSealed = (tasks: string, of: string): string =>
  `EXISTS (SELECT FROM ${tasks} run
     CROSS JOIN LATERAL json_to_recordset(run.stages) AS stage (name text, hands_on_sealed boolean)
     WHERE run.id = ${of}.parent_id AND stage.name = ${of}.key AND stage.hands_on_sealed)`;

/** Why a run has failed: of its stage, given by the columns key and error of that table. Taken over as it is, whatever is in it. */
export const errorOfRun = (stage: string): string =>
  `json_build_object('name', 'StageFailedError', 'code', 'STAGE_FAILED', 'message', 'stage ' || ${stage}.key || ' has failed',
     'retryable', false, 'details', json_build_object('stage', ${stage}.key, 'reason', ${stage}.error))`;
