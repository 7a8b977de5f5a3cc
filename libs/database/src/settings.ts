import { seconds, Setting, urlOrNone, whole } from 'agentmq/settings';

/** Which database, and what may be asked of it. */
export class DatabaseSettings {
  /** Empty: the embedded database. */
  @Setting(urlOrNone(/^postgres(ql)?:\/\/\S+$/, 'postgres://'), 'DATABASE_URL', 'where PostgreSQL is', {
    default: '`postgres://postgres@127.0.0.1:5432/postgres`; embedded for `agentmq run`',
  })
  url = 'postgres://postgres@127.0.0.1:5432/postgres';

  /** The most connections of this process. */
  @Setting(
    whole(2, 1_000),
    'DATABASE_POOL_SIZE',
    'the most connections of one process to it. Transactional handlers run on all but four of them, or on the pool of the `dataSource`',
  )
  poolSize = 10;

  /** 0 for no limit. */
  @Setting(
    seconds(0, 86_400),
    'DATABASE_STATEMENT_TIMEOUT',
    'how long a statement may run; 0 for no limit. Behind PgBouncer see docs/SERVERS.md, The database',
  )
  statementTimeoutMs = 30_000;
}
