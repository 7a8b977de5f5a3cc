import type { PGlite } from '@electric-sql/pglite';

type Protocol = Pick<PGlite, 'waitReady' | 'execProtocolStream'>;
type Reply = Awaited<ReturnType<PGlite['execProtocolStream']>>[number];

/** SQLSTATEs after which the database can't go on: the disk is full, or fails. */
const FATAL_STATES: ReadonlySet<string | undefined> = new Set(['53100', '58030']);

/**
 * PGlite's protocol until it fails for good. PGlite has no process that could end: the statement after a PANIC runs for ever,
 * on the event loop. `onFailure` gets the reason once, and makes the error that every later statement rejects with.
 */
export function guardedPGlite(database: PGlite, onFailure: (reason: string) => Error): Protocol {
  let failure: Error | undefined;
  return {
    waitReady: database.waitReady,
    async execProtocolStream(...given) {
      if (failure) throw failure;
      const replies = await database.execProtocolStream(...given);
      const fatal = replies.find(isFatal);
      if (fatal) failure = onFailure(fatal.message);
      return replies;
    },
  };
}

function isFatal(reply: Reply): reply is Reply & { readonly message: string } {
  if (reply.name !== 'error') return false;
  const { severity, code } = reply as { readonly severity?: string; readonly code?: string };
  return severity === 'PANIC' || severity === 'FATAL' || FATAL_STATES.has(code);
}
