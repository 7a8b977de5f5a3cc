import type { INestApplicationContext } from '@nestjs/common';
import { AgentClient } from 'agentmq/agent';
import { Store } from 'agentmq/message-store';
import type { DurableSendOptions } from 'agentmq/messaging';
import { Audit } from 'agentmq/operations';
import { errorText } from 'agentmq/protocol';
import { commandActor } from '../command/actor.js';
import { UsageError } from '../command/errors.js';
import type { JsonOption } from '../command/options.js';
import { payloadObject } from '../command/payload.js';
import { withClient } from '../command/with-client.js';
import { note, print, printJson } from '../output/index.js';
import { contractFor, type ContractOptions } from './contract.js';

export interface SendOptions extends JsonOption, ContractOptions {
  readonly priority?: number;
  readonly ttl?: number;
  readonly delay?: number;
  readonly correlation?: string;
}

export interface RequestOptions extends Omit<SendOptions, 'delay' | 'json'> {
  readonly timeout: number;
}

/** Sends a message to a role or an agent; prints its id once it is committed. Rejects as `AgentClient.send` does. */
export async function sendMessage(to: string, type: string, given: string, options: SendOptions): Promise<void> {
  const payload = await payloadObject(given, 'payload');
  await withClient(async (client) => {
    const contract = contractFor(type, payload, options);
    const { messageId } = await client.get(AgentClient).send(recipientOf(to), contract, payload, sendOptions(options));
    printId(messageId, options);
    await recordSent(client, 'message.send', `${messageId} to ${to}`);
  });
}

/** Publishes a message to a topic; prints its id once it is committed. Rejects as `AgentClient.publish` does. */
export async function publishMessage(topic: string, type: string, given: string, options: SendOptions): Promise<void> {
  const payload = await payloadObject(given, 'payload');
  await withClient(async (client) => {
    const contract = contractFor(type, payload, options);
    const { messageId } = await client.get(AgentClient).publish(topic, contract, payload, sendOptions(options));
    printId(messageId, options);
    await recordSent(client, 'message.publish', `${messageId} to topic:${topic}`);
  });
}

/** Asks a role or an agent; prints its answer as JSON. Rejects as `AgentClient.request` does. It is in the audit before it is asked. */
export async function requestAnswer(to: string, type: string, given: string, options: RequestOptions): Promise<void> {
  const payload = await payloadObject(given, 'payload');
  const { timeout, version, sensitive, ...rest } = options;
  await withClient(async (client) => {
    const contract = contractFor(type, payload, { version, sensitive, transient: false });
    const recipient = recipientOf(to);
    await record(client, 'message.request', `${type} to ${to}`);
    const answer = await client
      .get(AgentClient)
      .request(recipient, contract, payload, { timeout, ...sendOptions(rest) });
    printJson(answer ?? null);
  });
}

/** It is out by now: a script that is told of an error would send it once more. */
const recordSent = (...what: Parameters<typeof record>): Promise<void> =>
  record(...what).catch((error: unknown) => note(`sent, but not written to the audit: ${errorText(error)}`));

/**
 * Not in the transaction that stores the message: what is sent in one goes out when a relay finds it, which this client's may not before
 * it leaves.
 */
async function record(client: INestApplicationContext, action: string, target: string): Promise<void> {
  await new Audit(client.get(Store).database).record(commandActor(), { action, target, rows: 1 });
}

const printId = (id: string, { json }: JsonOption): void => (json ? printJson({ id }) : print(id));

function sendOptions({
  priority,
  ttl,
  delay,
  correlation,
}: Pick<SendOptions, 'priority' | 'ttl' | 'delay' | 'correlation'>): DurableSendOptions {
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(delay === undefined ? {} : { delay }),
    ...(correlation === undefined ? {} : { correlationId: correlation }),
  };
}

/** `role.worker` or `agent.worker-1`. */
function recipientOf(name: string): { role: string } | { agent: string } {
  const [, kind, rest = ''] = /^(role|agent)\.(.+)$/.exec(name) ?? [];
  if (kind === 'role') return { role: rest };
  if (kind === 'agent') return { agent: rest };
  throw new UsageError(`${name}: must be role.<role> or agent.<agent id>`);
}
