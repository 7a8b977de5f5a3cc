import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { AgentModule, loadSettings } from 'agentmq/agent';
import { UsageError } from './errors.js';
import { refusingMissingTables } from './with-store.js';

export interface ClientOptions {
  /** Modules beside `AgentModule`. */
  readonly imports?: readonly (Type | DynamicModule)[];
  /** Whether the work can be done while the broker is away. */
  readonly withoutBroker?: boolean;
}

/**
 * Joins the system as a client, which has no inbox and is in no registry, for one piece of work, and leaves it. Rejects as the work
 * does, with `BrokerUnavailableError` or `StoreUnavailableError` when a server can't be reached, and `SettingsError`.
 */
export async function withClient<T>(
  work: (client: INestApplicationContext) => Promise<T>,
  { imports = [], withoutBroker = false }: ClientOptions = {},
): Promise<T> {
  const { bus, namespace } = loadSettings();
  if (bus.type === 'in_memory' && !withoutBroker)
    throw new UsageError('MESSAGE_BUS_TYPE is in_memory: agents of another process are reached over RabbitMQ or Redis');
  // An id of its own, though the environment may be that of a running agent: what that one sends must stay with it.
  const agentId = `cli-${hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 80)}-${randomBytes(3).toString('hex')}`;
  const settings = { agentId, start: withoutBroker ? ('wait' as const) : ('fail' as const) };
  const { NestFactory } = await import('@nestjs/core');
  const client = await NestFactory.createApplicationContext(
    { module: CommandLineModule, imports: [AgentModule.forRoot({ settings }), ...imports] },
    { logger: false, abortOnError: false },
  );
  try {
    return await refusingMissingTables(namespace, () => work(client));
  } finally {
    await client.close();
  }
}

class CommandLineModule {}
