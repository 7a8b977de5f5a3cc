import { type Connection, type PoolClient, Result, type Submittable } from 'pg';

interface Named {
  readonly name: string;
  readonly text: string;
}

/** A statement that runs so often that each session keeps its plan. Its name is its own among those of one database. */
export interface PreparedStatement extends Named {
  /** Makes the settings that hold while it is planned and run. */
  readonly settings: Named;
}

/**
 * One plan for every number of rows. It is kept while a table grows from nothing to millions of rows, so it must not be the
 * one that is best for an empty table: reading all of it.
 */
const PLANNING = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off' };

/**
 * `lossy`: the commit does not wait for the disk. What the statement did in the last moments before the database's server
 * died may not have happened.
 */
export function prepared(name: string, text: string, { lossy = false } = {}): PreparedStatement {
  const settings = { ...PLANNING, ...(lossy ? { synchronous_commit: 'off' } : {}) };
  const calls = Object.entries(settings).map(([setting, value]) => `set_config('${setting}', '${value}', true)`);
  return {
    name,
    text,
    // A condition that is never met: the settings are made, and no row comes back.
    settings: { name: lossy ? 'settings_lossy' : 'settings', text: `SELECT WHERE ${calls.join(' || ')} = ''` },
  };
}

/** Runs the statement by itself. The session must be this client's alone: a pooler would lose the names. */
export async function runPrepared<Row>(
  client: PoolClient,
  statement: PreparedStatement,
  values: readonly unknown[],
): Promise<Row[]> {
  const run = (): Promise<Row[]> =>
    new Promise((resolve, reject) => {
      client.query(
        new PreparedQuery<Row>(statement, values, (error, rows = []) => {
          if (error) reject(error);
          else resolve(rows);
        }),
      );
    });
  try {
    return await run();
  } catch (error) {
    if (!OUTDATED.has((error as { readonly code?: unknown }).code)) throw error;
    return run();
  }
}

/**
 * A caller's `DEALLOCATE ALL` or `DISCARD ALL`, in a transaction on this session, has removed the name; or a newer version's
 * migration has changed the type of a column that the statement returns. Nothing was done yet.
 */
const OUTDATED: ReadonlySet<unknown> = new Set(['26000', '0A000']);

/** The names that each session knows. */
const sessions = new WeakMap<Connection, Set<string>>();

/** What pg's Result does, which its types leave out. */
interface RowReader<Row> {
  addFields(fields: unknown): void;
  parseRow(values: unknown): Row;
}

/**
 * The settings and the statement in one round trip, and so in one transaction: the settings end with it, and no other
 * statement of the session sees them. pg calls the methods.
 */
class PreparedQuery<Row> implements Submittable {
  private readonly reader = new Result('', undefined as never) as unknown as RowReader<Row>;
  private readonly rows: Row[] = [];
  private problem: Error | undefined;

  constructor(
    private readonly statement: PreparedStatement,
    private readonly values: readonly unknown[],
    /** pg puts its own around it, for the time limit. */
    public callback: (error: Error | undefined, rows?: Row[]) => void,
  ) {}

  submit(connection: Connection): void {
    const { name, settings } = this.statement;
    // In one write. The embedded database's stream is none.
    const stream = connection.stream as Partial<Connection['stream']>;
    stream.cork?.();
    prepare(connection, settings);
    prepare(connection, this.statement);
    connection.bind({ statement: settings.name }, true);
    connection.execute(null, true);
    connection.bind({ statement: name, values: this.values.map(valueOf) }, true);
    connection.describe({ type: 'P', name: '' }, true);
    connection.execute(null, true);
    connection.sync();
    stream.uncork?.();
  }

  handleRowDescription({ fields }: { readonly fields: unknown }): void {
    this.reader.addFields(fields);
  }

  handleDataRow({ fields }: { readonly fields: unknown }): void {
    try {
      this.rows.push(this.reader.parseRow(fields));
    } catch (error) {
      this.problem = error as Error;
    }
  }

  handleCommandComplete(): void {
    // of the settings, then of the statement
  }

  handleReadyForQuery(): void {
    this.callback(this.problem, this.rows);
  }

  /** What was to be prepared with it may not have been, or may be gone. */
  handleError(error: Error, connection: Connection): void {
    sessions.delete(connection);
    this.callback(error);
  }
}

/** `close` takes a name that the session does not know as well: so what is unsure can be prepared anew. */
function prepare(connection: Connection, { name, text }: Named): void {
  const names = sessions.get(connection) ?? new Set();
  if (names.has(name)) return;
  sessions.set(connection, names.add(name));
  connection.close({ type: 'S', name }, true);
  connection.parse({ name, text, types: [] }, true);
}

const valueOf = (value: unknown): Buffer | string | null =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : ((value ?? null) as Buffer | string | null);
