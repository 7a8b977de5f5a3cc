import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Agent, Ctx } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import {
  CoordinatorsModule,
  Delegation,
  Pipelines,
  PipelinesModule,
  Task,
  TaskContext,
  TaskFailedError,
  Tasks,
} from 'agentmq/coordination';
import { IsIn, IsString } from 'class-validator';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

class Told {
  @IsString()
  text!: string;
}

@Contract({ type: 'secret', sensitive: true })
class Secret extends Told {}
@Contract({ type: 'secret_answer', sensitive: true })
class SecretAnswer extends Told {}
@Contract({ type: 'open' })
class Open extends Told {}
/** To which the results of others are not what was asked for. */
@Contract({ type: 'other_answer' })
class OtherAnswer {
  @IsIn(['well'], { message: '$value is no answer' })
  text!: string;
}
@Contract({ type: 'last' })
class Last extends Told {}

const WAIT_MS = 20_000;
const TEXT = 'Ann has it';
const to = { role: 'doctor' };
const hidden = { resultHidden: 'sealed with key k1' };
const answerOf = (text: string): SecretAnswer => Object.assign(new SecretAnswer(), { text });

describe('sealed tasks', () => {
  const system = new TestSystem({
    MESSAGE_BUS_TYPE: 'in_memory',
    SEALING_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1',
    COORDINATION_ELECTION_TIMEOUT: '0.4',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 300, agentTimeout: 2_000 }, shutdownTimeout: 500 });
  /** What each method has had, in order. */
  const heard: string[] = [];
  const held = new Set<() => void>();
  let tasks: Tasks;
  let pipelines: Pipelines;

  @Agent({ role: 'doctor', concurrency: 8 })
  class Doctor {
    constructor(private readonly delegation: Delegation) {}

    @Task(Secret)
    async secret({ text }: Secret, @Ctx() { task, signal }: TaskContext): Promise<object> {
      heard.push(`secret ${text}`);
      if (text.startsWith('fail')) throw new Error(`of no use: ${text}`);
      if (text.startsWith('once') && task?.attempt === 1) throw new Error(`not now: ${text}`);
      if (text.startsWith('hold')) {
        await new Promise<void>((resolve) => {
          held.add(resolve);
          signal.addEventListener('abort', () => resolve());
        });
        signal.throwIfAborted();
      }
      return text.startsWith('plain') ? { text } : answerOf(text);
    }

    @Task(Open)
    async open({ text }: Open, @Ctx() { task }: TaskContext): Promise<object> {
      heard.push(`open ${text}`);
      if (text.startsWith('nothing')) return undefined as unknown as object;
      if (text.startsWith('answer')) return answerOf(text);
      if (!text.startsWith('split')) return { text };
      const part = text.replace('split ', '');
      const pieces = [{ text: part }, { text: `${part} too` }];
      const { results } = await this.delegation.delegate(Secret, pieces, { to, attempts: 1, answer: SecretAnswer });
      if (part.startsWith('twice') && task?.attempt === 1) throw new Error('once more');
      return answerOf(results.map((each) => each.text).join());
    }

    @Task(Last)
    last({ text }: Last): Last {
      heard.push(`last ${text}`);
      return { text };
    }
  }

  @Agent({ role: 'desk' })
  class Desk {}

  beforeAll(async () => {
    await system.store.database.migrate();
    const [desk] = await Promise.all([
      system.start({ id: 'desk', controllers: [Desk], imports: [PipelinesModule, CoordinatorsModule] }),
      system.start({ id: 'd1', controllers: [Doctor], imports: [PipelinesModule] }),
      system.start({ id: 'd2', controllers: [Doctor], imports: [PipelinesModule] }),
    ]);
    tasks = desk.get(Tasks);
    pipelines = desk.get(Pipelines);
    const stage = { contract: Open, to };
    pipelines.define('through', [
      { ...stage, name: 'one' },
      { name: 'two', contract: Secret, to },
      { name: 'three', contract: Last, to },
    ]);
  }, 30_000);
  afterAll(() => system.close(), 20_000);

  /** All that is on record of tasks and messages since. */
  const onRecord = async (): Promise<string> => {
    const tables = ['tasks', 'messages', 'deliveries'];
    const rows = await Promise.all(
      tables.map((table) =>
        system.store.database.query<{ row: string }>(`SELECT t::text AS row FROM "${system.namespace}".${table} t`),
      ),
    );
    return rows.flatMap((each) => each.map(({ row }) => row)).join('\n');
  };
  const timesOnRecord = async (text: string): Promise<number> => {
    const record = await onRecord();
    return record.split(text).length + record.split(Buffer.from(text).toString('hex')).length - 2;
  };

  it(
    'are opened by the agent, and their results by the caller that reads them',
    async () => {
      for (const text of [TEXT, `plain ${TEXT}`]) {
        const id = await tasks.submit(Secret, { text }, { to });
        expect(await tasks.result(id)).toEqual({ text });
        const misread: unknown = await tasks.result(id, { answer: OtherAnswer }).catch((error: unknown) => error);
        expect(misread).toMatchObject({ code: 'CONTRACT_VIOLATION', violations: [{ field: 'text', rule: 'isIn' }] });
        expect((misread as Error).message).not.toContain(TEXT);
        const found = await tasks.find(id);
        expect(found).toMatchObject({ state: 'completed', ...hidden });
        expect(found).not.toHaveProperty('result');
      }
      expect(heard).toEqual(expect.arrayContaining([`secret ${TEXT}`, `secret plain ${TEXT}`]));
      expect(await timesOnRecord(TEXT)).toBe(0);
    },
    WAIT_MS,
  );

  it(
    'seal a result of a sensitive contract, of whichever task',
    async () => {
      const id = await tasks.submit(Open, { text: `answer` }, { to });
      expect(await tasks.result(id, { answer: SecretAnswer })).toEqual(answerOf('answer'));
      expect(await tasks.find(id)).toMatchObject(hidden);
    },
    WAIT_MS,
  );

  it(
    'are tried again, and tell of an error no more than its name',
    async () => {
      expect(await tasks.run(Secret, { text: `once ${TEXT}` }, { to, answer: SecretAnswer })).toEqual(
        answerOf(`once ${TEXT}`),
      );
      const failing = tasks.run(Secret, { text: `fail ${TEXT}` }, { to, attempts: 1 });
      const failure = await failing.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TaskFailedError);
      expect((failure as TaskFailedError).reason).toEqual({
        name: 'Error',
        code: 'HANDLER_FAILED',
        retryable: true,
        message: 'not told, since the task is sensitive',
      });
      const whole = await tasks.submit(Open, { text: `split fail ${TEXT} here` }, { to, attempts: 1 });
      await expect(tasks.result(whole)).rejects.toThrow('not told');
      // of the contract in clear, its own payload
      expect(await timesOnRecord(`fail ${TEXT}`)).toBe(await timesOnRecord(`split fail ${TEXT} here`));
    },
    WAIT_MS,
  );

  it(
    'are found again as parts, though no two seals are alike',
    async () => {
      const result = await tasks.run(Open, { text: 'split twice' }, { to, attempts: 2, answer: SecretAnswer });
      expect(result.text).toBe('twice,twice too');
      expect(heard.filter((each) => each === 'open split twice')).toHaveLength(2);
      expect(heard.filter((each) => each.startsWith('secret twice'))).toHaveLength(2);
    },
    WAIT_MS,
  );

  it(
    'are handed on sealed from stage to stage, as soon as one of them is sensitive',
    async () => {
      for (const [text, given] of [
        ['stages', 'stages'],
        ['answer', 'answer'],
      ] as const) {
        const id = await pipelines.start('through', { text });
        expect(await pipelines.result(id)).toEqual({ text: given });
        expect(await pipelines.find(id)).toMatchObject({ state: 'completed', ...hidden });
        const stages = await system.store.database.query<{ key: string; sealed: boolean }>(
          `SELECT key, payload LIKE 'ey%' AS sealed FROM "${system.namespace}".tasks WHERE parent_id = $1 ORDER BY id`,
          [id],
        );
        expect(stages.map(({ sealed }) => sealed)).toEqual([false, true, true]);
      }
      // a stage that returns nothing
      const empty = await pipelines.start('through', { text: 'nothing' });
      await expect(pipelines.result(empty)).rejects.toMatchObject({ reason: { code: 'CONTRACT_VIOLATION' } });
    },
    WAIT_MS,
  );

  it(
    'can be cancelled',
    async () => {
      const id = await tasks.submit(Secret, { text: 'hold' }, { to });
      await until('it to be begun', () => held.size > 0);
      expect(await tasks.cancel(id, 'enough')).toBe(true);
      await expect(tasks.result(id)).rejects.toMatchObject({ code: 'TASK_CANCELLED' });
    },
    WAIT_MS,
  );

  it(
    "are refused with another task's payload, or result",
    async () => {
      const rows = `"${system.namespace}".tasks`;
      const later = { to: { role: 'intern' }, attempts: 1 };
      const [mine, other] = await tasks.submitAll(Secret, [{ text: 'mine' }, { text: 'other' }], later);
      await system.store.database.query(
        `UPDATE ${rows} t SET destination = 'role.doctor', payload = o.payload FROM ${rows} o WHERE t.id = $1 AND o.id = $2`,
        [mine, other],
      );
      await expect(tasks.result(mine ?? '')).rejects.toMatchObject({ reason: { code: 'SEALED_TAMPERED' } });
      expect(heard).not.toContain('secret other');

      const [one, two] = await tasks.submitAll(Secret, [{ text: 'one' }, { text: 'two' }], { to });
      await Promise.all([tasks.result(one ?? ''), tasks.result(two ?? '')]);
      await system.store.database.query(
        `UPDATE ${rows} t SET result = o.result FROM ${rows} o WHERE t.id = $1 AND o.id = $2`,
        [one, two],
      );
      await expect(tasks.result(one ?? '')).rejects.toMatchObject({ code: 'SEALED_TAMPERED' });
      await system.store.database.query(`UPDATE ${rows} SET result = '{"text":"forged"}' WHERE id = $1`, [two]);
      await expect(tasks.result(two ?? '', { answer: SecretAnswer })).rejects.toMatchObject({ code: 'NOT_SEALED' });
    },
    WAIT_MS,
  );
});
