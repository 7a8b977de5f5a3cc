import {
  formatRecipient,
  parseRecipient,
  type Recipient,
  type WireMessage,
  type WireProperties,
} from 'agentmq/protocol';
import { isWhole } from '../checks.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const TEXTS = ['messageId', 'type', 'appId', 'correlationId', 'replyTo', 'contentType', 'contentEncoding'] as const;
const NUMBERS = ['timestamp', 'priority', 'expiration'] as const;
const NEW_LINE = 0x0a;
const EMPTY = Buffer.alloc(0);

/** The fields of a stream's entry, docs/WIRE.md. */
export interface Fields {
  readonly to: string;
  readonly properties: string;
  readonly body: Buffer;
}

export const toFields = ({ properties, body }: WireMessage, recipient: Recipient): Fields => ({
  to: formatRecipient(recipient),
  properties: JSON.stringify(properties),
  body,
});

/** What an entry or a message of a channel holds. What another program wrote may lack anything. */
export interface Read extends WireMessage {
  readonly to: Recipient | undefined;
  /** Of a dead letter. */
  readonly owner?: string;
  readonly reason?: string;
}

/** An entry's fields, names and values in turn. Never throws. */
export function fromFields(fields: readonly Buffer[]): Read {
  const found = new Map<string, Buffer>();
  for (let at = 0; at + 1 < fields.length; at += 2) found.set(String(fields[at]), fields[at + 1] ?? EMPTY);
  const [owner, reason] = [found.get('owner'), found.get('reason')];
  return {
    to: parseRecipient(String(found.get('to') ?? '')),
    properties: propertiesOf(found.get('properties')),
    body: found.get('body') ?? EMPTY,
    ...(owner ? { owner: owner.toString() } : {}),
    ...(reason ? { reason: reason.toString() } : {}),
  };
}

/** What is published to a channel: the recipient, the properties and the body, after a line each. */
export const toPayload = ({ to, properties, body }: Fields): Buffer =>
  Buffer.concat([Buffer.from(`${to}\n${properties}\n`), body]);

/** Never throws. */
export function fromPayload(payload: Buffer): Read {
  const first = payload.indexOf(NEW_LINE);
  const second = payload.indexOf(NEW_LINE, first + 1);
  if (first < 0 || second < 0) return { to: undefined, properties: { headers: {} }, body: payload };
  return {
    to: parseRecipient(payload.toString('utf8', 0, first)),
    properties: propertiesOf(payload.subarray(first + 1, second)),
    body: payload.subarray(second + 1),
  };
}

/** A property of an unexpected type is dropped; headers are passed on as they are. */
function propertiesOf(text: Buffer | undefined): WireProperties {
  const given = parsed(text);
  const properties: Writable<WireProperties> = { headers: isRecord(given['headers']) ? given['headers'] : {} };
  for (const name of TEXTS) {
    const value = given[name];
    if (typeof value === 'string') properties[name] = value;
  }
  for (const name of NUMBERS) {
    const value = given[name];
    if (typeof value === 'number') properties[name] = value;
  }
  return properties;
}

function parsed(text: Buffer | undefined): Record<string, unknown> {
  try {
    const json = String(text ?? '{}');
    const value: unknown = json.includes('"Buffer"') ? JSON.parse(json, withBytes) : JSON.parse(json);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** What `JSON.stringify` makes of a Buffer, which a header may hold, is one again. */
function withBytes(_: string, value: unknown): unknown {
  const { type, data, ...rest } = isRecord(value) ? value : {};
  if (type !== 'Buffer' || !Array.isArray(data) || Object.keys(rest).length > 0) return value;
  return data.every((byte) => typeof byte === 'number' && isWhole(byte, 0, 255)) ? Buffer.from(data) : value;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
