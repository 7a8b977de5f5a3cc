import { describe, expect, it } from '@jest/globals';
import { Contract, ContractViolationError } from 'agentmq/protocol';
import { BusStoppedError } from 'agentmq/messaging';
import { IsInt } from 'class-validator';
import { setTimeout as delay } from 'node:timers/promises';
import type { Assignments } from '../tasks/assignments.js';
import { TaskFailedError } from '../tasks/errors.js';
import { carryingOut, type RunningTask } from '../tasks/task-context.js';
import type { Tasks } from '../tasks/tasks.js';
import { Delegation } from './delegation.js';
import { PartFailedError } from './errors.js';

@Contract({ type: 'piece' })
class Piece {
  @IsInt()
  n!: number;
}

type Fake = Partial<Record<'submitPart' | 'result', (part: { readonly key: string }) => Promise<unknown>>>;

const to = { role: 'worker' };

/** Delegates within a task, to nobody real: each part's id is its key. */
function taskWith({ submitPart = ({ key }) => Promise.resolve(key), result = () => Promise.resolve({}) }: Fake) {
  const ended: string[] = [];
  const tasks = {
    submitPart,
    result: async (key: string, { signal }: { readonly signal: AbortSignal }) => {
      signal.throwIfAborted();
      return result({ key });
    },
    end: (ids: readonly string[]) => Promise.resolve(ended.push(...ids)),
  } as unknown as Tasks;
  const delegation = new Delegation(tasks, { isLost: () => Promise.resolve(false) } as unknown as Assignments);
  const run = <T>(work: (delegation: Delegation) => Promise<T>, whole: Partial<RunningTask> = {}): Promise<T> => {
    const running: RunningTask = {
      id: 'whole',
      assignment: 'assignment',
      attempt: 1,
      attempts: 3,
      sensitive: false,
      onFailure: 'fail-fast',
      deadline: new Date(),
      until: performance.now() + 60_000,
      signal: new AbortController().signal,
      ...whole,
    };
    return carryingOut(running, () => work(delegation));
  };
  return { run, ended };
}

const caught = (error: unknown): unknown => error;
const failed = (key: string): TaskFailedError =>
  new TaskFailedError(key, { name: 'Error', code: 'REFUSED', message: 'no', retryable: false });

describe('a delegation within a task', () => {
  it('takes no more pieces when no time is left, with partial results, and says so', async () => {
    const { run } = taskWith({ result: () => delay(20, {}) });
    let taken = 0;
    let isClosed = false;
    function* pieces(): Generator<Piece> {
      try {
        while (taken < 100_000) yield { n: ++taken };
      } finally {
        isClosed = true;
      }
    }
    const whole = { until: performance.now() + 200, onFailure: 'partial' } as const;
    const answer = await run((delegation) => delegation.delegate(Piece, pieces(), { to, concurrency: 4 }), whole);
    expect(answer.complete).toBe(false);
    expect(answer.results.length).toBeGreaterThan(0);
    expect(answer.unfinished).toMatchObject([{ taskId: undefined, state: 'failed', error: { code: 'NO_TIME_LEFT' } }]);
    expect(answer.parts.map(({ key }) => key)).toEqual(answer.parts.map((_, n) => `${n}`));
    expect(taken).toBeLessThan(100);
    expect(isClosed).toBe(true);
  });

  it('says that all pieces were taken when they were', async () => {
    const { run } = taskWith({ result: ({ key }) => Promise.reject(failed(key)) });
    const all = await run((delegation) => delegation.delegate(Piece, [{ n: 1 }], { to, onFailure: 'partial' }));
    expect(all).toMatchObject({ complete: true, unfinished: [{ key: '0' }] });
  });

  it('cancels a part too that is made while it gives up', async () => {
    let isFailing = (): void => undefined;
    const failing = new Promise<void>((resolve) => (isFailing = resolve));
    const { run, ended } = taskWith({
      submitPart: async ({ key }) => {
        if (key.endsWith('/1')) await failing;
        return key;
      },
      result: ({ key }) => {
        setImmediate(isFailing);
        return Promise.reject(failed(key));
      },
    });
    const result = run((delegation) => delegation.delegate(Piece, [{ n: 0 }, { n: 1 }], { to })).catch(caught);
    expect(await result).toBeInstanceOf(PartFailedError);
    expect(ended).toEqual(['piece/1']);
  });

  it('leaves its parts as they are when the agent stops, and cancels them when its own source fails', async () => {
    const pieces = function* (error: Error): Generator<Piece> {
      yield { n: 0 };
      throw error;
    };
    const hanging = (): ReturnType<typeof taskWith> =>
      taskWith({ result: () => Promise.reject(new BusStoppedError()) });
    const stopped = hanging();
    const stop = stopped.run((delegation) => delegation.delegate(Piece, [{ n: 0 }], { to }));
    await expect(stop).rejects.toThrow(BusStoppedError);
    expect(stopped.ended).toEqual([]);
    const broken = hanging();
    const source = broken.run((delegation) => delegation.delegate(Piece, pieces(new Error('no more')), { to }));
    await expect(source).rejects.toThrow('no more');
    expect(broken.ended).toEqual(['piece/0']);
  });

  it('says of a part with a wrong result that it was done', async () => {
    const violation = new ContractViolationError('total@1', [
      { field: 'n', rule: 'isInt', message: 'n must be whole' },
    ]);
    const { run } = taskWith({ result: () => Promise.reject(violation) });
    const error = await run((delegation) => delegation.delegate(Piece, [{ n: 0 }], { to })).catch(caught);
    expect(error).toMatchObject({ key: '0', state: 'failed', reason: { code: 'CONTRACT_VIOLATION' } });
    expect((error as Error).message).toMatch(/^part 0: it is done, but its result .*total@1: n: n must be whole/);
  });

  it.each([
    ['keyOf', { keyOf: () => 'a\0b' }],
    ['keyOf', { keyOf: () => 'a\ud800b' }],
    ['name', { name: 'a\0b' }],
  ])('names a wrong %s', async (field, options) => {
    const { run } = taskWith({});
    const error = await run((delegation) => delegation.delegate(Piece, [{ n: 0 }], { to, ...options })).catch(caught);
    expect(error).toMatchObject({ code: 'INVALID_TASK', field });
  });
});
