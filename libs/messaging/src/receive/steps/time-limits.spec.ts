import { expect, it } from '@jest/globals';
import { pause } from 'agentmq/time';
import { HandlerTimeoutError } from '../../errors.js';
import { Attempt } from '../handlers/attempt.js';
import { TimeLimits } from './time-limits.js';

const attempt = (): Attempt => new Attempt({} as Attempt['message'], 'role.a', 1, 'a');
const never = new Promise<never>(() => undefined);

it('what ends in time settles as it does', async () => {
  const limits = new TimeLimits();
  expect(await limits.within(1_000, performance.now(), attempt(), Promise.resolve('done'))).toBe('done');
  await expect(limits.within(1_000, performance.now(), attempt(), Promise.reject(new Error('failed')))).rejects.toThrow(
    'failed',
  );
});

it('each ends at its own limit, in whatever order they began, and its signal aborts', async () => {
  const limits = new TimeLimits();
  const ended: string[] = [];
  const start = async (name: string, limitMs: number): Promise<void> => {
    const mine = attempt();
    const { signal } = mine;
    const error: unknown = await limits
      .within(limitMs, performance.now(), mine, never)
      .catch((thrown: unknown) => thrown);
    expect(error).toEqual(new HandlerTimeoutError(limitMs));
    expect(signal.reason).toBe(error);
    ended.push(name);
  };
  const first = limits.within(60_000, performance.now(), attempt(), never);
  void first.catch(() => undefined);
  const long = start('long', 150);
  const short = start('short', 30);
  await pause(60, never);
  await Promise.all([long, short, start('later', 30)]);
  expect(ended).toEqual(['short', 'later', 'long']);
});

it('a stop aborts the signal of what runs, and leaves it to end by itself', async () => {
  const limits = new TimeLimits();
  const mine = attempt();
  let end: ((value: string) => void) | undefined;
  const work = limits.within(1_000, performance.now(), mine, new Promise<string>((resolve) => (end = resolve)));
  const reason = new Error('the agent stops');
  limits.abort(reason);
  expect(mine.signal.aborted).toBe(true);
  expect(mine.signal.reason).toBe(reason);
  end?.('after all');
  expect(await work).toBe('after all');
});
