import type { AnalysisSummary, PartialReceipt, PartialResult, SummaryRequest } from 'agentmq/contracts';
import { AnalysisSession, type SessionLimits } from './analysis-session.js';
import { TooManyRunsError, UnknownRunError } from './errors.js';

export interface SessionsOptions extends SessionLimits {
  /** Runs at once; 16 unless given. */
  readonly maxRuns?: number;
  /** A run that nothing is heard of is dropped after this many ms; 10 minutes unless given. */
  readonly idleMs?: number;
  /** The present in ms. */
  readonly now?: () => number;
}

/** The runs that one specialist merges. Bounded: see {@link SessionsOptions}. */
export class AnalysisSessions {
  /** The longest unheard of first. */
  private readonly sessions = new Map<string, { session: AnalysisSession; usedAt: number }>();
  private readonly maxRuns: number;
  private readonly idleMs: number;
  private readonly now: () => number;
  private readonly limits: SessionLimits;

  constructor({ maxRuns = 16, idleMs = 600_000, now = Date.now, ...limits }: SessionsOptions = {}) {
    this.maxRuns = maxRuns;
    this.idleMs = idleMs;
    this.now = now;
    this.limits = limits;
  }

  get size(): number {
    return this.sessions.size;
  }

  /** Makes room for a run. Throws {@link TooManyRunsError}. Safe to call twice. */
  open(runId: string): void {
    if (!this.use(runId)) this.begin(runId);
  }

  /** Merges a partial result; the first of a run begins it. Throws as `AnalysisSession.add` does, and {@link TooManyRunsError}. */
  add(partial: PartialResult): PartialReceipt {
    return (this.use(partial.runId) ?? this.begin(partial.runId)).add(partial);
  }

  /** Rejects as `AnalysisSession.summary` does, and with {@link UnknownRunError}. */
  async summary(request: SummaryRequest): Promise<AnalysisSummary> {
    const session = this.use(request.runId);
    if (!session) throw new UnknownRunError(request.runId);
    return session.summary(request);
  }

  /** Drops idle runs. Done at the start of every run too; call it now and then so that an idle process lets go as well. */
  sweep(): void {
    const oldest = this.now() - this.idleMs;
    for (const [runId, { usedAt }] of this.sessions) {
      if (usedAt <= oldest) this.sessions.delete(runId);
    }
  }

  private use(runId: string): AnalysisSession | undefined {
    const known = this.sessions.get(runId);
    if (!known) return undefined;
    this.sessions.delete(runId);
    if (known.usedAt <= this.now() - this.idleMs) return undefined;
    this.sessions.set(runId, { ...known, usedAt: this.now() });
    return known.session;
  }

  /** A finished run makes room for a new one, an unfinished one does not. */
  private begin(runId: string): AnalysisSession {
    this.sweep();
    if (this.sessions.size >= this.maxRuns) {
      const finished = [...this.sessions].find(([, { session }]) => session.finished);
      if (!finished) throw new TooManyRunsError(this.maxRuns);
      this.sessions.delete(finished[0]);
    }
    const session = new AnalysisSession(runId, this.limits);
    this.sessions.set(runId, { session, usedAt: this.now() });
    return session;
  }
}
