import { describe, expect, it } from '@jest/globals';
import {
  BrokerUnavailableError,
  NoRecipientError,
  QueueFullError,
  RequestInterruptedError,
  RequestTimeoutError,
} from 'agentmq/broker';
import { ContractViolationError, RemoteError, toAgent, toWireError, UnknownTypeError } from 'agentmq/protocol';
import { BusStoppedError, HandlerTimeoutError } from 'agentmq/messaging';
import { verdictOf } from './verdict.js';

const agent = toAgent('a');
/** As the caller gets what a handler threw. */
const remote = (thrown: unknown): RemoteError => new RemoteError(toWireError(thrown));
const violation = new ContractViolationError('x v1', []);

describe('what an error says of the agent that was called', () => {
  it.each([
    ['no answer in time', new RequestTimeoutError(agent, 1), 'failing'],
    ['the connection lost before the answer', new RequestInterruptedError(agent), 'failing'],
    ['nobody there', new NoRecipientError(agent), 'failing'],
    ['its queue full', new QueueFullError(agent), 'failing'],
    ['its handler took too long', remote(new HandlerTimeoutError(1)), 'failing'],
    ['it is stopping', remote(new BusStoppedError()), 'failing'],
    ['its handler threw an error', remote(new Error('boom')), 'failing'],
    ['its handler threw no error', remote('boom'), 'failing'],
    ['its handler reached something not', remote(Object.assign(new Error('no'), { code: 'ECONNREFUSED' })), 'failing'],
    ['its database failed', remote(Object.assign(new Error('no'), { code: '57P01' })), 'failing'],
    ['it could not read a file', remote(Object.assign(new Error('no'), { code: 'ERR_INVALID_ARG' })), 'failing'],
    ['the work threw an error of nobody', new Error('boom'), 'failing'],
    ['it refused the payload', remote(violation), 'well'],
    ['it does not know the type', remote(new UnknownTypeError('x', 1, 'a')), 'well'],
    ['it refused for a reason of its own', remote(Object.assign(new Error('no'), { code: 'NO_SUCH_FILE' })), 'well'],
    ['the payload was not sent', violation, 'unknown'],
    ['the broker can not be reached', new BrokerUnavailableError('away'), 'unknown'],
    ['the caller is stopping', new BusStoppedError(), 'unknown'],
  ])('%s', (_, error, verdict) => {
    expect(verdictOf(error, undefined)).toBe(verdict);
    expect(verdictOf(error, new AbortController().signal)).toBe(verdict);
    expect(verdictOf(error, AbortSignal.abort())).toBe('unknown');
  });
});
