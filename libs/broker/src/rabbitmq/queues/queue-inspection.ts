import type { Options } from 'amqplib';
import { TopologyError } from '../../errors.js';
import type { Connection } from '../connection/connection.js';
import type { QueueDeclaration } from './declarations.js';
import { declaring } from './refusals.js';
import { codeOf, NOT_FOUND } from '../connection/reply-codes.js';

/** An argument of a queue that exists; undefined where it has none. */
export interface QueueDifference {
  readonly argument: string;
  readonly wanted: string | undefined;
  readonly found: string | undefined;
}

/** A queue as it exists. */
export interface FoundQueue {
  /** Messages ready in it. */
  readonly messages: number;
  readonly consumers: number;
  readonly differences: readonly QueueDifference[];
}

type Declared = { durable: boolean; autoDelete: boolean; arguments: Record<string, unknown> };

/** More than there are arguments that could differ. */
const MOST_ATTEMPTS = 20;

/**
 * How a queue that exists differs from how it is to be declared; undefined when there is none. AMQP does not tell what
 * arguments a queue has, but a declaration is refused for the first that differs: asked again with what was found, for
 * the next.
 */
export async function inspectQueue(
  connection: Connection,
  { name, options }: QueueDeclaration,
): Promise<FoundQueue | undefined> {
  const found = await sizeOf(connection, name);
  if (!found) return undefined;
  const differences: QueueDifference[] = [];
  const asked = declared(options);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    try {
      await connection.withChannel((channel) => declaring(name, channel.assertQueue(name, { ...asked })));
      break;
    } catch (error) {
      const difference = error instanceof TopologyError ? differenceIn(error) : undefined;
      // What else differs, RabbitMQ does not say.
      if (!difference || differences.some(({ argument }) => argument === difference.argument)) {
        if (differences.length === 0) throw error;
        break;
      }
      differences.push(difference);
      adopt(asked, difference);
    }
  }
  return { ...found, differences };
}

/** Messages and consumers of a queue; undefined when there is none. */
export async function sizeOf(
  connection: Connection,
  name: string,
): Promise<Pick<FoundQueue, 'messages' | 'consumers'> | undefined> {
  try {
    const { messageCount, consumerCount } = await connection.withChannel((channel) => channel.checkQueue(name));
    return { messages: messageCount, consumers: consumerCount };
  } catch (error) {
    if (codeOf(error) === NOT_FOUND) return undefined;
    throw error;
  }
}

/** The options as they go over the wire. */
function declared({ maxLength, overflow, expires, arguments: more, durable = true }: Options.AssertQueue): Declared {
  const named = { 'x-max-length': maxLength, 'x-overflow': overflow, 'x-expires': expires };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return { durable, autoDelete: false, arguments: { ...Object.fromEntries(given), ...(more as object) } };
}

/** `it exists with another x-max-length: received '7' but current is '10000'`; versions put it in more or fewer words. */
function differenceIn({ argument, problem }: TopologyError): QueueDifference | undefined {
  if (argument === undefined) return undefined;
  const value = String.raw`(?:the value )?(?:'([^']*)'|none)`;
  const told = new RegExp(String.raw`received ${value}.* but current is ${value}`, 's').exec(problem);
  return told ? { argument, wanted: told[1], found: told[2] } : undefined;
}

function adopt(asked: Declared, { argument, found }: QueueDifference): void {
  if (argument === 'durable') asked.durable = found === 'true';
  else if (argument === 'auto_delete') asked.autoDelete = found === 'true';
  else if (found === undefined) delete asked.arguments[argument];
  else asked.arguments[argument] = /^\d+$/.test(found) ? Number(found) : found;
  // Other types of queues are refused for having them at all.
  if (argument === 'x-queue-type' && found !== 'quorum') delete asked.arguments['x-delivery-limit'];
}
