import { setMaxListeners } from 'node:events';
import { filter, firstValueFrom, startWith, Subject, timeout } from 'rxjs';
import { ProtocolFailedError } from './errors.js';

/** For how long nothing may happen that is waited for, in ms. */
const PATIENCE_MS = 30_000;
/** For how long work of many steps is waited for, in ms. */
const LONGEST_MS = 180_000;

/** Waits for what agents come to. */
export class Watch {
  private readonly happened = new Subject<void>();

  /** Something has happened. */
  changed(): void {
    this.happened.next();
  }

  /** Resolves once it holds. Rejects with `ProtocolFailedError`, naming what, when nothing has happened for 30 s. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const late = () => {
      throw new ProtocolFailedError(`waited for ${what}: nothing came for ${PATIENCE_MS / 1_000} s`);
    };
    await firstValueFrom(
      this.happened.pipe(startWith(undefined), timeout({ each: PATIENCE_MS, with: late }), filter(holds)),
    );
  }
}

/** Does work that its signal ends after 3 minutes: it then rejects with `ProtocolFailedError`, naming what was waited for. */
export async function patiently<Result>(what: string, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const signal = AbortSignal.timeout(LONGEST_MS);
  // Many wait at once.
  setMaxListeners(0, signal);
  try {
    return await work(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new ProtocolFailedError(`waited ${LONGEST_MS / 1_000} s for ${what}`, { cause: error });
  }
}
