import type { Pool } from 'pg';

/** As much of a pool as TypeORM uses. */
interface SharedPool extends Pick<Pool, 'connect'> {
  readonly options: { readonly max: number };
}

/** What TypeORM takes for the driver pg: every pool that it makes is this one, which is closed elsewhere. */
export function sharedPool(pool: Pool): { readonly Pool: new () => SharedPool } {
  return {
    Pool: class {
      readonly options = { max: 1 };
      readonly connect = pool.connect.bind(pool);
      readonly on = (): this => this;
      readonly end = (done: () => void): void => done();
    },
  };
}
