import { userInfo } from 'node:os';
import { canInstallPackages, installPackage } from './apt.js';
import { commandPath, postgresFolder, rabbitMqFolder } from './binaries.js';
import { PostgresServer } from './postgres-server.js';
import { probeAmqp, probePostgres, probeRedis } from './probes.js';
import type { Means } from './provide.js';
import { RabbitMqNode } from './rabbitmq-node.js';
import { RedisServer } from './redis-server.js';
import { DEFAULT_AMQP_URL, DEFAULT_DATABASE_URL, DEFAULT_REDIS_URL } from './services.js';

/** How this machine comes by a RabbitMQ. */
export function rabbitMqMeans(given?: string): Means {
  return {
    service: 'RabbitMQ',
    variable: 'AMQP_URL',
    ...(given && { given }),
    local: [DEFAULT_AMQP_URL],
    probe: probeAmqp,
    installed: () => rabbitMqFolder() !== undefined,
    start: () => RabbitMqNode.start(),
    ...(canInstallPackages() && { install: () => installPackage('rabbitmq-server') }),
    advice: [
      'Debian, Ubuntu:  sudo apt-get install -y rabbitmq-server',
      'macOS:           brew install rabbitmq',
      'Docker:          docker run -d -p 5672:5672 rabbitmq:4',
    ],
  };
}

/** How this machine comes by a Postgres. */
export function postgresMeans(given?: string): Means {
  const anyone = encodeURIComponent(userInfo().username);
  return {
    service: 'Postgres',
    variable: 'DATABASE_URL',
    ...(given && { given }),
    local: [
      DEFAULT_DATABASE_URL,
      'postgres://postgres:postgres@127.0.0.1:5432/postgres',
      `postgres://${anyone}@127.0.0.1:5432/postgres`,
    ],
    probe: probePostgres,
    installed: () => postgresFolder() !== undefined,
    start: () => PostgresServer.start(),
    ...(canInstallPackages() && { install: () => installPackage('postgresql') }),
    advice: [
      'Debian, Ubuntu:  sudo apt-get install -y postgresql',
      'macOS:           brew install postgresql@17',
      'Docker:          docker run -d -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres:17',
    ],
  };
}

/** How this machine comes by a Redis. */
export function redisMeans(given?: string): Means {
  return {
    service: 'Redis',
    variable: 'REDIS_URL',
    ...(given && { given }),
    local: [DEFAULT_REDIS_URL],
    probe: probeRedis,
    installed: () => commandPath('redis-server') !== undefined,
    start: () => RedisServer.start(),
    ...(canInstallPackages() && { install: () => installPackage('redis-server') }),
    advice: [
      'Debian, Ubuntu:  sudo apt-get install -y redis-server',
      'macOS:           brew install redis',
      'Docker:          docker run -d -p 6379:6379 redis:8',
    ],
  };
}
