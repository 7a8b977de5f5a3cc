import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { connect } from 'amqplib';
import { Client } from 'pg';
import { amqpUrl, databaseUrl } from '../support/index.js';

const PACKAGES = [
  'amqplib',
  '@nestjs/core',
  '@nestjs/microservices',
  'amqp-connection-manager',
  '@golevelup/nestjs-rabbitmq',
  'moleculer',
];

/** Versions of all that takes part, and how many cores there are. */
export async function surroundings(): Promise<string> {
  const connection = await connect(amqpUrl());
  const { version } = connection.connection.serverProperties as { version?: string };
  await connection.close();
  const database = new Client({ connectionString: databaseUrl() });
  await database.connect();
  const { rows } = await database.query<{ server_version: string }>('SHOW server_version');
  await database.end();
  const packages = PACKAGES.map((name) => `${name} ${versionOf(name)}`);
  return [
    `${availableParallelism()} cores`,
    `Node ${process.version}`,
    `RabbitMQ ${version}`,
    `PostgreSQL ${rows[0]?.server_version}`,
    ...packages,
  ].join(', ');
}

/** How busy the machine was over the last minute. */
export const busyness = (): string => `load ${loadavg()[0]?.toFixed(1)}`;

function versionOf(name: string): string {
  const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
