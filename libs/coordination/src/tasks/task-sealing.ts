import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import {
  type SealedFor,
  HandlerTimeoutError,
  isSealed,
  NotSealedError,
  readSeal,
  SealedTamperedError,
  Sealer,
  SealingError,
} from 'agentmq/messaging';
import type { Message, WireError } from 'agentmq/protocol';
import type { TaskDraft } from './draft.js';
import { TaskDeadlineError } from './errors.js';

/**
 * Seals what tasks are given and what they return, in their rows. Only the process that
 * submits a task or reads its result, and the agent that carries it out, open it; the dispatcher passes it on as it is.
 * A payload is sealed for its task, a result for its task too; in a pipeline both are sealed for the run, since a result is
 * the payload of the next stage.
 */
@Injectable()
export class TaskSealing {
  constructor(private readonly sealer: Sealer) {}

  /** Whether what is sensitive is sealed here. */
  get seals(): boolean {
    return this.sealer.seals;
  }

  /** The draft with its payload sealed for the task `id`. Rejects as `Sealer.seal` does. */
  async sealDraft(draft: TaskDraft, id = draft.id): Promise<TaskDraft> {
    return { ...draft, id, payload: await this.seal(draft.payload, payloadOf(id, draft)) };
  }

  /** Whether a sealed payload on record is what the draft has in clear, whatever the order of its fields. Never rejects: what does not open is another one. */
  async isPayload(sealed: string, id: string, draft: TaskDraft): Promise<boolean> {
    return this.open(sealed, payloadOf(id, draft)).then(
      (plain) => isDeepStrictEqual(JSON.parse(plain), JSON.parse(draft.payload)),
      () => false,
    );
  }

  /** Rejects as `Sealer.seal` does. */
  async sealResult(json: string, id: string): Promise<string> {
    return this.seal(json, { result: id });
  }

  /**
   * A result as JSON. `ids`: the task's, and that of the run that it may be a stage of. Rejects as `Sealer.open` does, and with
   * `NotSealedError` for a result of a sensitive contract in clear, where that is refused.
   */
  async openResult(
    result: string,
    ids: readonly (string | null)[],
    answer?: { readonly type: string; readonly sensitive: boolean },
  ): Promise<string> {
    if (!isSealedText(result)) {
      if (answer?.sensitive && this.sealer.refusesClear) throw new NotSealedError(answer.type);
      return result;
    }
    const id = ids.find((each) => each === readSeal(result).bound?.['result']) ?? ids[0] ?? '';
    return this.open(result, { result: id });
  }

  private async seal(json: string, bound: SealedFor): Promise<string> {
    return (await this.sealer.seal(Buffer.from(json), bound)).toString('latin1');
  }

  private async open(sealed: string, bound: SealedFor): Promise<string> {
    return (await this.sealer.open(Buffer.from(sealed, 'latin1'), bound)).toString();
  }
}

const payloadOf = (id: string, { type, version }: Pick<TaskDraft, 'type' | 'version'>): SealedFor => ({
  task: id,
  type,
  version,
});

/** A JWE in its compact form begins with a letter with which no JSON begins. */
export const isSealedText = (text: string): boolean => text.startsWith('e');

/**
 * What the payload of a task was sealed for: that is to be this task, or the run that it is a stage of. Undefined for one in
 * clear. Throws `SealedTamperedError`.
 */
export function sealedForTask(message: Message, id: string, runId: string | null): SealedFor | undefined {
  if (!isSealed(message)) return undefined;
  const { bound = {} } = readSeal(message.body.toString('latin1'));
  const { type, version } = message;
  const allowed: SealedFor[] = [
    payloadOf(id, message),
    ...(runId === null ? [] : [payloadOf(runId, message), { result: runId }]),
  ];
  const sealedFor = allowed.find(
    (each) =>
      Object.keys(each).length === Object.keys(bound).length &&
      Object.entries(each).every(([name, value]) => bound[name] === value),
  );
  if (sealedFor) return sealedFor;
  throw new SealedTamperedError(`it was sealed for another task than ${id} of ${type}@${version}`);
}

/** Errors that can't quote a payload. */
const HARMLESS = [SealingError, TaskDeadlineError, HandlerTimeoutError];

/** What is told of an error of a sensitive task: without its text and its details, which may quote the payload. */
export const withoutText = (error: unknown, wire: WireError): WireError =>
  HARMLESS.some((type) => error instanceof type)
    ? wire
    : { name: wire.name, code: wire.code, retryable: wire.retryable, message: 'not told, since the task is sensitive' };
