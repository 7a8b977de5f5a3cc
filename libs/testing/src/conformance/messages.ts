import { randomBytes } from 'node:crypto';
import type { Broker, ConsumeOptions, Inbox, InboxConsumer, Incoming, Publication } from 'agentmq/broker';
import type { Recipient, WireProperties } from 'agentmq/protocol';

export type Owner = Inbox['owner'];

/** A name that no other test uses, of lower-case letters, digits and underscores. */
export const uniqueName = (prefix: string): string => `${prefix}_${randomBytes(6).toString('hex')}`;

export const newRole = (): Owner => ({ kind: 'role', name: uniqueName('role') });
export const newAgent = (): Owner => ({ kind: 'agent', name: uniqueName('agent') });
export const topic = (name: string): Recipient => ({ kind: 'topic', name });
export const everyone: Recipient = { kind: 'broadcast', name: '' };

export interface PublicationOptions extends Omit<Partial<WireProperties>, 'headers'> {
  readonly mandatory?: boolean;
  readonly headers?: Record<string, unknown>;
}

/** A persistent message with a text as its body; mandatory unless it is for a topic or for everyone. */
export function message(recipient: Recipient, text: string, options: PublicationOptions = {}): Publication {
  const { mandatory = recipient.kind === 'role' || recipient.kind === 'agent', headers = {}, ...properties } = options;
  return {
    recipient,
    mandatory,
    persistent: true,
    body: Buffer.from(text),
    properties: { type: 'test', contentType: 'text/plain', headers, ...properties },
  };
}

export const textOf = ({ body }: { readonly body: Buffer }): string => body.toString();

export interface Collected {
  readonly consumer: InboxConsumer;
  readonly received: Incoming[];
  texts(): string[];
}

/** Consumes an inbox and keeps what comes. */
export async function collect(
  broker: Broker,
  owner: Owner,
  topics: readonly string[] = [],
  options: ConsumeOptions = { prefetch: 100 },
): Promise<Collected> {
  const received: Incoming[] = [];
  const consumer = await broker.consume({ owner, topics }, options, async (incoming) => void received.push(incoming));
  return { consumer, received, texts: () => received.map(textOf) };
}

/** Makes the inbox exist, with nobody reading it. */
export async function declare(broker: Broker, owner: Owner, topics: readonly string[] = []): Promise<void> {
  const consumer = await broker.consume({ owner, topics }, { prefetch: 1 }, () =>
    Promise.reject(new Error('not ready')),
  );
  await consumer.close();
}

/** A promise and what resolves it. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

/** Numbers as texts, from 0. */
export const numbered = (count: number, prefix = ''): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
