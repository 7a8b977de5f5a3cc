import { describe, expect, it } from '@jest/globals';
import { RequestPipe } from 'agentmq/http';
import { ContractViolationError } from 'agentmq/protocol';
import { DeadLettersQuery, RequeueRequest } from './dead-letters/requests.js';

const pipe = new RequestPipe();
const body = { type: 'body', metatype: RequeueRequest } as const;
const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key ${i}`, 1]));

describe('a request to an operator’s page', () => {
  it('is an instance of the class that its handler declares', () => {
    const query = pipe.transform({ limit: '5', discarded: 'true' }, { type: 'query', metatype: DeadLettersQuery });
    expect(query).toBeInstanceOf(DeadLettersQuery);
    expect(query).toEqual({ limit: 5, discarded: true });
    expect(pipe.transform(undefined, body)).toEqual({});
    expect(pipe.transform('an id', { type: 'param', metatype: String })).toBe('an id');
  });

  it('of 100,000 keys is taken, or refused with few words, in little time', () => {
    const start = performance.now();
    expect(pipe.transform({ payload: many }, body)).toEqual({ payload: many });
    expect(() => pipe.transform(many, body)).toThrow(ContractViolationError);
    // 20 s for a pipe that is quadratic in them
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it.each([[[]], ['text'], [{ payload: 'text' }], [{ payload: JSON.parse('{"__proto__":1}') as object }]])(
    'that is %j is refused',
    (value) => {
      expect(() => pipe.transform(value, body)).toThrow(ContractViolationError);
    },
  );
});
