import { callbackify } from 'node:util';
import type { Connections, MemoryDatabase } from 'agentmq/database';

type Pool = Awaited<ReturnType<Connections['open']>>;
type Client = Parameters<Connections['isOwn']>[0];

/** What TypeORM gives to a pool's `connect`. */
type Connected = (error: Error | null, client?: Client, release?: Client['release']) => void;

/** One app's way to the database, which can be cut. */
export class DatabaseSwitch implements Connections {
  readonly statementBytes: number;
  readonly transactionsAtOnce: number;
  readonly rollBackMs: number;
  private readonly inner: Connections;

  /** `isAway` says for all apps, or for this one, that there is no way now. */
  constructor(
    database: MemoryDatabase,
    private readonly isAway: () => boolean,
  ) {
    this.inner = database.connections();
    ({
      statementBytes: this.statementBytes,
      transactionsAtOnce: this.transactionsAtOnce,
      rollBackMs: this.rollBackMs,
    } = this.inner);
  }

  async open(): Promise<Pool> {
    const pool = await this.inner.open();
    const connect = (done?: Connected): Promise<Client> | undefined => {
      if (!done) return this.connect(pool);
      callbackify(() => this.connect(pool))((error, client) => done(error, client, client?.release));
      return undefined;
    };
    return { connect } as unknown as Pool;
  }

  isOwn(): boolean {
    return true;
  }

  unhurried(): undefined {
    return undefined;
  }

  end(): Promise<void> {
    return this.inner.end();
  }

  private async connect(pool: Pool): Promise<Client> {
    if (this.isAway()) throw refused();
    return this.guarded(await pool.connect());
  }

  /** The connection is all apps': what was open on it when it was cut is rolled back, and it is used again. */
  private guarded(client: Client): Client {
    let failed = false;
    const query = (...given: unknown[]): unknown => {
      if (!this.isAway()) return Reflect.apply(client.query, client, given);
      failed = true;
      return fail(given);
    };
    const release = (broken?: Error | boolean): void => {
      if (!failed && broken !== true) return client.release(broken);
      client.query('ROLLBACK').then(
        () => client.release(),
        () => client.release(true),
      );
    };
    return new Proxy(client, {
      get: (target, key): unknown => {
        if (key === 'query') return query;
        if (key === 'release') return release;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}

/** As a server that is gone answers. */
const refused = (): Error =>
  Object.assign(new Error('connect ECONNREFUSED: the test has stopped the database'), { code: 'ECONNREFUSED' });

/** Tells it as pg tells it: to the statement's own callback, the last argument's, or by the promise. */
function fail(given: readonly unknown[]): unknown {
  const [statement] = given;
  const callback: unknown = given.at(-1);
  if (typeof callback === 'function') return void callback(refused());
  const own = (statement as { readonly callback?: unknown }).callback;
  if (typeof own === 'function') return void own(refused());
  return Promise.reject(refused());
}
