import { until } from '../support/index.js';
import type { Writes } from './apps/writer.js';
import { ask, Deployment, rowsOf } from './deployment.js';

const WRITER = 'dist/programs/test/writer.js';
const WAIT_MS = 60_000;

/** A term that has written something. */
export interface WrittenTerm {
  readonly term: number;
  readonly agent: string;
  readonly rows: number;
  /** By the database's clock, in ms. */
  readonly first: number;
  readonly last: number;
}

/** Processes of which one leads, and writes rows while it does. */
export class Writers {
  readonly ids: readonly string[];
  readonly system = new Deployment();

  constructor(
    count: number,
    private readonly env: Record<string, string>,
    /** How long their transactions stay open, in s. */
    private readonly hold = 0,
  ) {
    this.ids = Array.from({ length: count }, (_, index) => `writer-${index + 1}`);
  }

  /** Resolves when one leads, all others follow it, and it has written. */
  async start(): Promise<WrittenTerm> {
    await Promise.all(this.ids.map((id) => this.launch(id)));
    return this.settled();
  }

  /** Starts one that was killed, or has not run yet; resolves when its messages flow. */
  async launch(id: string): Promise<void> {
    await this.system.start(WRITER, id, this.env, [String(this.hold)]);
    await this.system.app(id).ready(WAIT_MS);
  }

  /** Resolves with the last term when one leads, all others follow it, and it has written. */
  settled(): Promise<WrittenTerm> {
    return until(
      'a leader that writes, and that all follow',
      async () => {
        const last = (await this.terms()).at(-1);
        const states = await Promise.all(this.ids.map(async (id) => (await this.tell(id)).state));
        const agreed = last && states.every((state) => state?.leader === last.agent && state.term === last.term);
        return agreed ? last : undefined;
      },
      WAIT_MS,
      20,
    );
  }

  /** Resolves when a later term has written. */
  after({ term }: WrittenTerm): Promise<WrittenTerm> {
    return until(
      'the next leader to write',
      async () => {
        const last = (await this.terms()).at(-1);
        return last && last.term > term ? last : undefined;
      },
      WAIT_MS,
      20,
    );
  }

  /** The terms that have written, in the order of terms. */
  async terms(): Promise<WrittenTerm[]> {
    const table = await rowsOf<{ found: string | null }>(
      this.system,
      `SELECT to_regclass('NS.written')::text AS found`,
    );
    if (!table[0]?.found) return [];
    return rowsOf<WrittenTerm>(
      this.system,
      `SELECT term::int, min(agent) AS agent, count(*)::int AS rows,
         (extract(epoch FROM min(at)) * 1000)::float8 AS first, (extract(epoch FROM max(at)) * 1000)::float8 AS last
       FROM NS.written GROUP BY term ORDER BY term`,
    );
  }

  /** Rows after one of a later term, and terms that more than one wrote in. There should be none. */
  wrong(): Promise<object[]> {
    return rowsOf(
      this.system,
      `SELECT * FROM (SELECT *, max(term) OVER (ORDER BY seq) AS reached,
         min(agent) OVER (PARTITION BY term) AS writer FROM NS.written) w
       WHERE term < reached OR agent <> writer`,
    );
  }

  async tell(id: string): Promise<Writes> {
    return (await ask(this.system.app(id), '/writes')).body as unknown as Writes;
  }

  close(): Promise<void> {
    return this.system.close();
  }
}
