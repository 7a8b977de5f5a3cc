import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { toRole } from 'agentmq/protocol';
import { Contract } from 'agentmq/protocol';
import type { StoredDelivery, StoredMessage } from 'agentmq/message-store';
import { SEALED_TYPE } from 'agentmq/messaging';
import { knownContracts } from '../known-contracts.js';
import { messageView } from './message-view.js';

@Contract({ type: 'diagnosis', sensitive: true })
class Diagnosis {}

@Contract({ type: 'invoice' })
class Invoice {}

const contracts = knownContracts([Diagnosis, Invoice]);
const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const error = { name: 'Error', code: 'HANDLER_FAILED', message: 'no', retryable: false };

const delivery = (given: Partial<StoredDelivery> = {}): StoredDelivery => ({
  messageId: 'm1',
  consumer: 'role.clerk',
  state: 'dead',
  attempt: 1,
  agentId: 'clerk-1',
  error,
  history: [],
  dueAt: null,
  receivedAt: at(1),
  finishedAt: at(9),
  discarded: null,
  ...given,
});

const stored = (type: string, deliveries: StoredDelivery[] = [], body = '{"name":"Ann"}'): StoredMessage => ({
  message: {
    messageId: 'm1',
    sender: 'desk-1',
    recipient: toRole('clerk'),
    timestamp: at(0),
    type,
    version: 1,
    priority: 5,
    attempt: 1,
    body: Buffer.from(body),
    contentType: 'application/json',
  },
  storedAt: at(0),
  received: false,
  published: true,
  deliveries,
});

describe('a message as operators see it', () => {
  it('never shows the payload of a sensitive contract', () => {
    const text = JSON.stringify(messageView(stored('diagnosis'), contracts));
    expect(text).not.toContain('Ann');
    expect(text).toContain('sensitive');
  });

  it.each(['diagnosis', 'invoice', 'foreign'])('tells of what is sealed only with which key: %s', (type) => {
    const header = Buffer.from('{"alg":"A256KW","enc":"A256GCM","kid":"2026-11"}').toString('base64url');
    const { message, ...rest } = stored(type, [], `${header}.a.b.c.d`);
    const view = messageView({ ...rest, message: { ...message, contentType: SEALED_TYPE } }, contracts);
    expect(view).not.toHaveProperty('payload');
    expect(view).toMatchObject({ payloadHidden: 'sealed with key 2026-11' });
  });

  it('shows the payload of a contract that is not known: a sensitive one would be sealed', () => {
    expect(messageView(stored('foreign'), contracts)).toMatchObject({ payload: { name: 'Ann' } });
  });

  it('shows any other payload, as text if it is no JSON', () => {
    expect(messageView(stored('invoice'), contracts)).toMatchObject({ payload: { name: 'Ann' } });
    expect(messageView(stored('invoice', [], 'not JSON'), contracts)).toMatchObject({ payload: 'not JSON' });
  });

  it('tells the first and the last failure; of what was rejected, when that was', () => {
    const history = [1, 2, 3].map((n) => ({ attempt: n, at: at(n), agentId: 'clerk-1', error }));
    const times = (given: Partial<StoredDelivery>) =>
      messageView(stored('invoice', [delivery(given)]), contracts).deliveries[0];
    expect(times({ history })).toMatchObject({ firstFailedAt: at(1), lastFailedAt: at(3) });
    expect(times({})).toMatchObject({ firstFailedAt: at(9), lastFailedAt: at(9) });
    expect(times({ state: 'completed', error: null })).toMatchObject({ firstFailedAt: null, lastFailedAt: null });
  });
});
