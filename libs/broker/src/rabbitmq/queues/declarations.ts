import type { Channel, Options } from 'amqplib';
import { TopologyError } from '../../errors.js';
import type { Binding, Topology } from '../../topology.js';
import type { Connection } from '../connection/connection.js';
import type { RabbitMqSettings } from '../options.js';
import { deadLetterOptions } from './queue-options.js';
import { declaring, isUsable } from './refusals.js';
import type { Remarks } from '../../server/remarks.js';
import { codeOf, NOT_FOUND } from '../connection/reply-codes.js';

/** A queue as it is to be declared. */
export interface QueueDeclaration {
  readonly name: string;
  readonly options: Options.AssertQueue;
}

/**
 * Makes the namespace's exchanges exist; one that exists with other arguments is used as it is, with a remark. Throws
 * `TopologyError` for one of another kind.
 */
export async function provideExchanges(connection: Connection, topology: Topology, remarks: Remarks): Promise<void> {
  await provideEach(connection, 'exchange', topology.exchanges(), remarks, (channel, { name, type }) =>
    channel.assertExchange(name, type, { durable: true }),
  );
}

/**
 * Makes queues exist, in this order; one that exists with other arguments is used as it is, with a remark. Throws
 * `TopologyError` for one that can't be used.
 */
export async function provideQueues(
  connection: Connection,
  queues: readonly QueueDeclaration[],
  remarks: Remarks,
): Promise<void> {
  await provideEach(connection, 'queue', queues, remarks, (channel, { name, options }) =>
    channel.assertQueue(name, options),
  );
}

/** A refused declaration closes its channel: what exists differently is only asked for on the next. */
async function provideEach<T extends { readonly name: string }>(
  connection: Connection,
  kind: 'exchange' | 'queue',
  all: readonly T[],
  remarks: Remarks,
  declare: (channel: Channel, one: T) => Promise<unknown>,
): Promise<void> {
  const left = [...all];
  while (left.length > 0) {
    try {
      await connection.withChannel(async (channel) => {
        for (let [next] = left; next; [next] = left) {
          await declaring(next.name, declare(channel, next));
          remarks.clear(`${kind} ${next.name}`);
          left.shift();
        }
      });
    } catch (error) {
      if (!(error instanceof TopologyError) || !isUsable(error)) throw error;
      // An exchange and a queue may have the same name, as those of dead letters do.
      remarks.note(
        `${kind} ${error.queue}`,
        `${error.message}. It is used as it is; "agentmq queues" shows and mends it.`,
      );
      left.shift();
    }
  }
}

/** Binds a queue. Throws when the queue, or an exchange, does not exist. */
export async function bind(connection: Connection, queue: string, bindings: readonly Binding[]): Promise<void> {
  await connection.withChannel((channel) =>
    Promise.all(bindings.map(({ exchange, routingKey }) => channel.bindQueue(queue, exchange, routingKey))),
  );
}

/** Unbinds a queue: RabbitMQ has no objection when there is no such binding. */
export async function unbind(connection: Connection, queue: string, bindings: readonly Binding[]): Promise<void> {
  await connection.withChannel((channel) =>
    Promise.all(bindings.map(({ exchange, routingKey }) => channel.unbindQueue(queue, exchange, routingKey))),
  );
}

/** Makes the queue exist that takes what RabbitMQ drops from an inbox, once the exchanges do. Throws `TopologyError`. */
export async function provideDeadLetters(
  connection: Connection,
  { deadLetters, deadLetterBinding }: Topology,
  settings: RabbitMqSettings,
  remarks: Remarks,
): Promise<void> {
  await provideQueues(connection, [{ name: deadLetters, options: deadLetterOptions(settings) }], remarks);
  await bind(connection, deadLetters, [deadLetterBinding]);
}

/** A classic queue on a node of the cluster that is down. */
export const isOnNodeThatIsDown = (error: unknown): boolean => {
  const { code, message } = error as Error & { code?: unknown };
  return code === NOT_FOUND && /home node .* is down or inaccessible/.test(message);
};

/**
 * Whether all of these queues exist. Throws when the connection is lost. One that can't be asked about (locked, on a
 * node that is down) counts as existing: its declaration will tell.
 */
export async function queuesExist(connection: Connection, queues: readonly string[]): Promise<boolean> {
  try {
    await connection.withChannel(async (channel) => {
      for (const queue of queues) await channel.checkQueue(queue);
    });
    return true;
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown };
    if (code === NOT_FOUND) return !/NOT_FOUND - no queue /.test(message);
    if (typeof code === 'number') return true;
    throw error;
  }
}

/** How many consumers a queue has, of all processes; undefined for one that can't be asked about. Throws when the connection is lost. */
export async function consumersOf(connection: Connection, queue: string): Promise<number | undefined> {
  try {
    return (await connection.withChannel((channel) => channel.checkQueue(queue))).consumerCount;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** The exchanges of the namespace that do not exist. */
export async function missingExchanges(connection: Connection, topology: Topology): Promise<string[]> {
  const missing: string[] = [];
  const left = topology.exchanges().map(({ name }) => name);
  while (left.length > 0) {
    try {
      await connection.withChannel(async (channel) => {
        for (let [next] = left; next !== undefined; [next] = left) {
          await channel.checkExchange(next);
          left.shift();
        }
      });
    } catch (error) {
      if (codeOf(error) !== NOT_FOUND) throw error;
      missing.push(left.shift() as string);
    }
  }
  return missing;
}
