import type { TaskDraft } from '../draft.js';

/** Drafts as a table, of a statement whose first parameter they are: as JSON, each as {@link rowOf} has it. */
export const GIVEN = `SELECT * FROM json_to_recordset($1::json) AS given(place integer, id text, parent_id text, key text,
  parent_assignment text, type text, version integer, payload text, destination text, strategy text, affinity text,
  priority integer, attempts integer, on_failure text, deadline_ms float8, submitter text, cause_id text, trace json)`;

export function rowOf({ part, ...draft }: TaskDraft, place: number): object {
  return {
    place,
    id: draft.id,
    parent_id: part?.taskId,
    key: part?.key,
    parent_assignment: part?.assignment,
    type: draft.type,
    version: draft.version,
    payload: draft.payload,
    destination: draft.destination,
    strategy: draft.strategy,
    affinity: draft.affinity,
    priority: draft.priority,
    attempts: draft.attempts,
    on_failure: draft.onFailure,
    deadline_ms: draft.deadlineMs,
    submitter: draft.submitter,
    cause_id: draft.causeId,
    trace: draft.trace,
  };
}
