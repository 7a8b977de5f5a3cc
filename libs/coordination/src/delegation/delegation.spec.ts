import { describe, expect, it } from '@jest/globals';
import { Contract, ContractViolationError } from 'agentmq/protocol';
import { BusStoppedError, type Handling, inFlow } from 'agentmq/messaging';
import { IsInt } from 'class-validator';
import fc from 'fast-check';
import { setTimeout as delay } from 'node:timers/promises';
import type { Assignments } from '../tasks/worker/assignments.js';
import { TaskFailedError } from '../tasks/errors.js';
import { carriesOut, type RunningTask } from '../tasks/worker/task-context.js';
import type { Tasks } from '../tasks/client/tasks.js';
import type { Part } from './delegated.js';
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
      const given = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      return Promise.race([result({ key }), given]);
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
    const handling = { message: {} } as Handling;
    carriesOut(handling.message, running, () => undefined);
    return inFlow({ handling }, () => work(delegation));
  };
  return { run, ended };
}

function* piecesUntil(error: Error): Generator<Piece> {
  yield { n: 0 };
  throw error;
}
const caught = (error: unknown): unknown => error;
const failed = (key: string): TaskFailedError =>
  new TaskFailedError(key, { name: 'Error', code: 'REFUSED', message: 'no', retryable: false });

describe('a delegation within a task', () => {
  it.each(['keeps', 'hands over'])(
    'takes no more pieces when no time is left, with partial results, which it %s, and says so',
    async (way) => {
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
      const handed: Part<unknown>[] = [];
      const each = (part: Part<unknown>): void => void handed.push(part);
      const options = { to, concurrency: 4, ...(way === 'keeps' ? {} : { each }) };
      const answer = await run((delegation) => delegation.delegate(Piece, pieces(), options), whole);
      const parts = way === 'keeps' ? answer.parts : handed;
      expect(answer.complete).toBe(false);
      expect(parts.length).toBeGreaterThan(1);
      expect(answer.unfinished).toMatchObject([
        { taskId: undefined, state: 'failed', error: { code: 'NO_TIME_LEFT' } },
      ]);
      expect(parts.map(({ key }) => key)).toEqual(parts.map((_, n) => `${n}`));
      expect(taken).toBeLessThan(100);
      expect(isClosed).toBe(true);
    },
  );

  it('says that all pieces were taken when they were', async () => {
    const { run } = taskWith({ result: ({ key }) => Promise.reject(failed(key)) });
    const all = await run((delegation) => delegation.delegate(Piece, [{ n: 1 }], { to, onFailure: 'partial' }));
    expect(all).toMatchObject({ complete: true, unfinished: [{ key: '0' }] });
  });

  it('hands its parts over in the order of the pieces, in whatever order they settle, and takes few pieces ahead', async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.boolean(), { maxLength: 30 }),
      fc.integer({ min: 1, max: 6 }),
      async (scheduler, fails, concurrency) => {
        const settled = new Set<number>();
        const handed: string[] = [];
        const ahead: number[] = [];
        const { run } = taskWith({
          result: async ({ key }) => {
            await scheduler.schedule(Promise.resolve(), key);
            const n = Number(key.slice('piece/'.length));
            settled.add(n);
            if (fails[n]) throw failed(key);
            return {};
          },
        });
        function* pieces(): Generator<Piece> {
          for (const n of fails.keys()) {
            const oldest = fails.findIndex((_, each) => !settled.has(each));
            ahead.push(n - oldest, n - handed.length);
            yield { n };
          }
        }
        const each = async ({ key }: Part<unknown>): Promise<void> => {
          await scheduler.schedule(Promise.resolve(), `each ${key}`);
          handed.push(key);
        };
        const options = { to, concurrency, each, onFailure: 'partial' } as const;
        const all = run((delegation) => delegation.delegate(Piece, pieces(), options));
        const { parts, results, unfinished, complete } = await scheduler.waitFor(all);
        expect(handed).toEqual(fails.map((_, n) => `${n}`));
        expect(unfinished.map(({ key }) => key)).toEqual(handed.filter((_, n) => fails[n]));
        expect({ parts, results, complete }).toEqual({ parts: [], results: [], complete: true });
        expect(Math.max(0, ...ahead)).toBeLessThanOrEqual(concurrency);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('ends at once when what takes its parts throws, or a later part fails, or the source does', async () => {
    const hanging = new Promise(() => undefined);
    const isNext = (key: string): boolean => key.endsWith('/1');
    const withFirst = taskWith({ result: ({ key }) => (isNext(key) ? hanging : Promise.resolve({})) });
    const taking = withFirst.run((delegation) =>
      delegation.delegate(Piece, [{ n: 0 }, { n: 1 }], { to, each: () => Promise.reject(new Error('no place')) }),
    );
    await expect(taking).rejects.toThrow('no place');
    expect(withFirst.ended).toEqual(['piece/1']);
    const each = (): void => undefined;
    const withoutFirst = taskWith({ result: ({ key }) => (isNext(key) ? Promise.reject(failed(key)) : hanging) });
    const failing = withoutFirst.run((delegation) =>
      delegation.delegate(Piece, [{ n: 0 }, { n: 1 }], { to, each }).catch(caught),
    );
    expect(await failing).toMatchObject({ code: 'PART_FAILED', key: '1' });
    expect(withoutFirst.ended).toEqual(['piece/0']);
    const broken = taskWith({ result: () => hanging });
    const reading = broken.run((delegation) =>
      delegation.delegate(Piece, piecesUntil(new Error('no more')), { to, each }),
    );
    await expect(reading).rejects.toThrow('no more');
    expect(broken.ended).toEqual(['piece/0']);
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
    const hanging = (): ReturnType<typeof taskWith> =>
      taskWith({ result: () => Promise.reject(new BusStoppedError()) });
    const stopped = hanging();
    const stop = stopped.run((delegation) => delegation.delegate(Piece, [{ n: 0 }], { to }));
    await expect(stop).rejects.toThrow(BusStoppedError);
    expect(stopped.ended).toEqual([]);
    const broken = hanging();
    const source = broken.run((delegation) => delegation.delegate(Piece, piecesUntil(new Error('no more')), { to }));
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
