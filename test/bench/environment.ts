import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { connect } from 'amqplib';
import { Client } from 'pg';
import { amqpUrl, databaseUrl, redisUrl, withRedis } from '../support/index.js';
import { peerVersions } from './peers.js';

/** All that figures depend on besides the code. */
export interface Environment {
  readonly date: string;
  readonly node: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  readonly loadBefore: number;
  readonly servers: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, string>>;
}

const PACKAGES = ['amqplib', '@nestjs/core', '@nestjs/microservices', 'pg', '@redis/client'];

export async function environment(): Promise<Environment> {
  return {
    date: new Date().toISOString(),
    node: process.version,
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    loadBefore: load(),
    servers: { RabbitMQ: await rabbitMqVersion(), PostgreSQL: await postgresVersion(), Redis: await redisVersion() },
    packages: { ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])), ...peerVersions() },
  };
}

/** Over the last minute. */
export const load = (): number => Number((loadavg()[0] ?? 0).toFixed(1));

async function rabbitMqVersion(): Promise<string> {
  const connection = await connect(amqpUrl());
  const { version } = connection.connection.serverProperties as { version?: string };
  await connection.close();
  return version ?? 'unknown';
}

async function postgresVersion(): Promise<string> {
  const database = new Client({ connectionString: databaseUrl() });
  await database.connect();
  const { rows } = await database.query<{ server_version: string }>('SHOW server_version');
  await database.end();
  return rows[0]?.server_version ?? 'unknown';
}

/** Only what is measured on Redis needs one. */
async function redisVersion(): Promise<string> {
  const info = await withRedis(redisUrl(), (send) => send('INFO', 'server')).catch(() => 'none');
  return /redis_version:(\S+)/.exec(String(info))?.[1] ?? 'none';
}

function versionOf(name: string): string {
  const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
