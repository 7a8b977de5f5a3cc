/** Where RabbitMQ answers unless `AMQP_URL` says otherwise. */
export const DEFAULT_AMQP_URL = 'amqp://guest:guest@127.0.0.1:5672';

/** Where Postgres answers unless `DATABASE_URL` says otherwise. */
export const DEFAULT_DATABASE_URL = 'postgres://postgres@127.0.0.1:5432/postgres';

/** Where Redis answers unless `REDIS_URL` says otherwise. */
export const DEFAULT_REDIS_URL = 'redis://127.0.0.1:6379';

/** The RabbitMQ that tests share. Never stop, wipe or reconfigure it: start a `RabbitMqNode` for that. */
export function amqpUrl(): string {
  return process.env['AMQP_URL'] || DEFAULT_AMQP_URL;
}

/** The Postgres that tests share; its role may create databases and schemas. */
export function databaseUrl(): string {
  return process.env['DATABASE_URL'] || DEFAULT_DATABASE_URL;
}

/** The Redis that tests share: each in a namespace of its own. Never stop, flush or reconfigure it: start a `RedisServer` for that. */
export function redisUrl(): string {
  return process.env['REDIS_URL'] || DEFAULT_REDIS_URL;
}
