import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AgentMQError, Contract } from 'agentmq/protocol';
import { Database } from 'agentmq/database';
import type { FailurePolicy, TaskContext } from 'agentmq/coordination';
import { IsArray, IsInt, IsString } from 'class-validator';
import fc from 'fast-check';
import { databaseUrl, randomNamespace, removeNamespace } from '../support/index.js';
import type { AgentProcess } from './process.js';
import { whatIsWrong } from './verdict.js';
import { nodeAt, type WorkNode } from './work.js';
import { World } from './world.js';

@Contract({ type: 'node' })
class Node {
  /** The way from the top, e.g. `0.2.1`. */
  @IsString()
  path!: string;
}

@Contract({ type: 'sum' })
class Sum {
  @IsInt()
  sum!: number;

  @IsArray()
  missing!: string[];

  /** Who made it. */
  @IsString()
  by!: string;
}

class Refused extends AgentMQError {
  readonly code = 'REFUSED';
}

/** Of random trees, each with a random schedule. */
const RUNS = 30;
const AGENTS = 3;
const MOST_STEPS = 6_000;

const { work } = fc.letrec<{ work: WorkNode }>((tie) => ({
  work: fc.record(
    {
      value: fc.nat(100),
      failures: fc.oneof(
        { weight: 8, arbitrary: fc.constant(0) },
        { weight: 2, arbitrary: fc.constantFrom(1, 2, 3) },
        { weight: 1, arbitrary: fc.constant(-1) },
      ),
      parts: fc.oneof(
        { depthSize: 'small', maxDepth: 3 },
        fc.constant([]),
        fc.array(tie('work'), { minLength: 1, maxLength: 3 }),
      ),
      onFailure: fc.constantFrom<FailurePolicy>('fail-fast', 'partial'),
      concurrency: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: ['value', 'failures', 'parts', 'concurrency'] },
  ),
}));

const DISTURBANCES = ['kill', 'restart', 'pause', 'resume', 'look', 'put-off'] as const;

/** What happens next: mostly what was about to happen anyway. */
const event = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: fc.constant('step' as const), choice: fc.nat(1_000) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('lead' as const), choice: fc.nat(0) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(...DISTURBANCES),
      choice: fc.nat(1_000),
    }),
  },
);
type Event = {
  readonly kind: 'step' | 'lead' | (typeof DISTURBANCES)[number];
  readonly choice: number;
};

describe('trees of delegated tasks', () => {
  const namespace = randomNamespace('trees');
  const database = Database.connect({ url: databaseUrl(), namespace });
  const worlds: World[] = [];

  /** Carries out a node of whichever tree: failures are counted over all attempts of its tree. */
  const methodOf = (top: WorkNode) => {
    const tries = new Map<string, number>();
    return async (payload: unknown, { task }: TaskContext, { id: by, delegation }: AgentProcess): Promise<Sum> => {
      const { path } = payload as Node;
      const node = nodeAt(top, path);
      if (node.failures < 0) throw new Refused(`not ${path}`);
      const tried = tries.get(path) ?? 0;
      tries.set(path, tried + 1);
      const { results, unfinished } = await delegation.delegate(
        Node,
        node.parts.map((_, n) => ({ path: `${path}.${n}` })),
        {
          to: { role: 'node' },
          answer: Sum,
          concurrency: node.concurrency,
          keyOf: ({ path: part }) => part,
          ...(node.onFailure ? { onFailure: node.onFailure } : {}),
        },
      );
      task?.signal.throwIfAborted();
      if (tried < node.failures) throw new Error('not yet');
      return {
        sum: results.reduce((all, { sum }) => all + sum, node.value),
        missing: unfinished.map(({ key }) => key),
        by,
      };
    };
  };

  const worldOf = (top: WorkNode): World => {
    const world = new World(database, methodOf(top), AGENTS);
    worlds.push(world);
    return world;
  };
  const submit = (world: World, attempts: number) =>
    world.client.tasks.submit(Node, { path: '0' }, { to: { role: 'node' }, attempts });

  async function clear(): Promise<void> {
    for (const world of worlds.splice(0)) world.close();
    await database.query(`TRUNCATE ${namespace}.tasks, ${namespace}.changes CASCADE`);
  }

  async function happen(world: World, { kind, choice }: Event): Promise<void> {
    if (kind === 'step') await world.step(choice);
    else if (kind === 'lead') await world.lead();
    else if (kind === 'resume') world.resume();
    else if (kind === 'pause') world.pause(choice);
    else if (kind === 'put-off') await world.putOff(choice);
    else if (kind === 'look')
      world.look(
        choice,
        (await world.ids()).map(({ id }) => id),
      );
    else world.kill(choice, kind === 'restart');
  }

  /** Lets everything go its way until all is settled. */
  async function finish(world: World): Promise<void> {
    world.resume();
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      if (await world.step(steps % 7)) continue;
      if ((await world.ids()).every(({ open }) => !open)) return;
      await world.lead();
    }
    throw new Error(`not settled after ${MOST_STEPS} steps: ${JSON.stringify(await world.ids())}`);
  }

  beforeAll(async () => {
    await database.migrate();
    // what became of each task, in order
    await database.query(`CREATE TABLE ${namespace}.changes
      (n serial, id text, was text, state text, began boolean, whole text, assignment text)`);
    await database.query(`CREATE FUNCTION ${namespace}.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO ${namespace}.changes (id, was, state, began, whole, assignment)
      VALUES (NEW.id, OLD.state, NEW.state, NEW.started_at IS DISTINCT FROM OLD.started_at AND NEW.started_at IS NOT NULL,
        (SELECT state FROM ${namespace}.tasks WHERE id = NEW.parent_id), NEW.assignment);
      RETURN NEW; END $$`);
    await database.query(`CREATE TRIGGER note AFTER UPDATE ON ${namespace}.tasks
      FOR EACH ROW EXECUTE FUNCTION ${namespace}.note()`);
  });
  afterEach(clear);
  afterAll(async () => {
    await database.close();
    await removeNamespace(namespace);
  });
  jest.setTimeout(120_000);

  it('end settled, each part done once, with the answer that parts and policies explain, whoever dies when', () =>
    fc.assert(
      fc
        .asyncProperty(
          work,
          fc.array(event, { minLength: 30, maxLength: 250 }),
          fc.option(fc.record({ after: fc.nat(250), which: fc.nat(1_000) })),
          fc.integer({ min: 1, max: 4 }),
          async (top, events, cancellation, attempts) => {
            const world = worldOf(top);
            let isSubmitted = false;
            const submitting = submit(world, attempts).then(() => (isSubmitted = true));
            while (!isSubmitted) await Promise.race([submitting, world.step(0).then(() => turn())]);
            for (const [n, each] of events.entries()) {
              await happen(world, each);
              if (cancellation?.after !== n) continue;
              const ids = await world.ids();
              world.cancel(ids[cancellation.which % ids.length]?.id ?? '');
            }
            await finish(world);
            expect(await whatIsWrong(database, (path) => nodeAt(top, path), world.cancellations)).toEqual([]);
          },
        )
        .afterEach(clear),
      { numRuns: RUNS },
    ));

  it('end so too when all of it happens at once', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(work, { minLength: 10, maxLength: 14 }),
        fc.array(event, { minLength: 20, maxLength: 40 }),
        async (parts, events) => {
          const top = { value: 0, failures: 0, parts, onFailure: 'partial' as const, concurrency: parts.length };
          const world = worldOf(top);
          world.isFree = true;
          await submit(world, 4);
          for (const each of events) {
            if (each.kind !== 'step') await happen(world, each);
            await world.lead();
          }
          for (let turns = 0; (await world.ids()).some(({ open }) => open); turns++) {
            if (turns > MOST_STEPS) throw new Error(`not settled: ${JSON.stringify(await world.ids())}`);
            world.resume();
            await world.lead();
          }
          expect(await whatIsWrong(database, (path) => nodeAt(top, path), world.cancellations)).toEqual([]);
          await clear();
        },
      ),
      { numRuns: RUNS / 10 },
    ));
});
