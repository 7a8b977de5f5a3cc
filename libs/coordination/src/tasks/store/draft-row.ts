import type { TaskDraft } from '../draft.js';

/** Drafts as a table, of a statement whose first parameter they are: as JSON, each as {@link rowOf} has it. */
export const GIVEN = `SELECT * FROM json_to_recordset($1::json) AS given(place integer, id text, parent_id text, key text,
  parent_assignment text, idempotency_key text, type text, version integer, payload text, destination text, strategy text, affinity text,
  priority integer, attempts integer, on_failure text, deadline_ms float8, submitter text, cause_id text, trace json)`;

/** The most of one statement. */
const MOST_ROWS = 1_000;

/** Drafts as {@link GIVEN} takes them, in order: parts of at most so many bytes of payload, or of one draft. */
export function givenOf(drafts: readonly TaskDraft[], maxBytes: number): string[] {
  const parts: object[][] = [];
  let room = 0;
  drafts.forEach((draft, place) => {
    const bytes = Buffer.byteLength(draft.payload);
    const last = parts.at(-1);
    if (last && last.length < MOST_ROWS && bytes <= room) last.push(rowOf(draft, place));
    else {
      parts.push([rowOf(draft, place)]);
      room = maxBytes;
    }
    room -= bytes;
  });
  return parts.map((part) => JSON.stringify(part));
}

export function rowOf({ part, ...draft }: TaskDraft, place: number): object {
  return {
    place,
    id: draft.id,
    parent_id: part?.taskId,
    key: part?.key,
    parent_assignment: part?.assignment,
    idempotency_key: draft.idempotencyKey,
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
