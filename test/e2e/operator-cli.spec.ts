import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Trace } from 'agentmq/agent';
import { Client } from 'pg';
import { amqpUrl, databaseUrl, testBus, until } from '../support/index.js';
import { CliRun } from './cli-run.js';
import { Deployment } from './deployment.js';
import { Operator } from './operator.js';

const CLERK = 'dist/programs/test/clerk.js';
// On busy cores.
const START_MS = 120_000;
const TEST_MS = 180_000;
const USAGE = 2;

interface JsonPage {
  readonly items: Record<string, unknown>[];
  readonly next?: string;
}

const pageOf = (stdout: string): JsonPage => JSON.parse(stdout) as JsonPage;

describe('agentmq for operators', () => {
  const system = new Deployment();
  const folder = mkdtempSync(join(tmpdir(), 'agentmq-e2e-operator-'));
  const operator = new Operator(system, folder, 'm1');
  const bus = testBus.environment(testBus.sharedUrl());
  const letters = (...args: string[]) => operator.cli(['dead-letters', ...args]);
  const listed = async (...args: string[]): Promise<Record<string, unknown>[]> =>
    pageOf((await letters('list', '--json', ...args)).stdout).items;

  beforeAll(async () => {
    const apps = await Promise.all([system.start(CLERK, 'clerk'), system.start('monitor', 'm1')]);
    await Promise.all(apps.map((app) => app.ready(START_MS)));
  }, START_MS + 10_000);

  afterAll(async () => {
    await system.close();
    await operator.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }, 30_000);

  it(
    'lists dead letters as a table and as JSON, by type and consumer',
    async () => {
      const id = await operator.deadSlip('list');
      // in a process of its own, as an operator does
      const args = ['dead-letters', 'list', '--type', 'slip', '--consumer', 'role.clerk'];
      const { code, stdout } = await CliRun.start(folder, args, operator.settings).exit;
      expect(code).toBe(0);
      expect(stdout).toMatch(/^id +consumer +type +attempts +failed +error/);
      expect(stdout).toMatch(new RegExp(`${id} +role\\.clerk +slip +2 .*HANDLER_FAILED: refused: refuse list`));
      expect(await listed()).toContainEqual(
        expect.objectContaining({ id, consumer: 'role.clerk', attempts: 2, discarded: null }),
      );
      expect(await listed('--type', 'slip', '--consumer', 'role.other')).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'pages through them',
    async () => {
      const [first, second] = [await operator.deadSlip('one'), await operator.deadSlip('two')];
      const { stderr } = await letters('list', '--limit', '1');
      const [, after = ''] = /--after (\S+)/.exec(stderr) ?? [];
      const ids = [...(await listed('--limit', '1')), ...(await listed('--limit', '1', '--after', after))];
      expect(ids.map(({ id }) => id)).toEqual([second, first]);
    },
    TEST_MS,
  );

  it(
    'shows one with its attempts and its payload, of an unknown contract too',
    async () => {
      const id = await operator.deadSlip('show\nforged \u001b[2J\u202e');
      const { code, stdout } = await letters('show', id);
      expect(code).toBe(0);
      expect(stdout).toMatch(/first failure +\d{4}-.*\nlast failure +\d{4}-/);
      expect(stdout).toMatch(
        /error +Error \(HANDLER_FAILED\): refused: refuse show\\nforged \\u001b\[2J\\u202e\n +forged \\u001b\[2J\\u202e\n +at .*\/test\/e2e\/apps\/clerk\.ts:\d+/,
      );
      expect(stdout).toMatch(/attempt 1 at .* by clerk: HANDLER_FAILED.*\n +attempt 2 at /);
      expect(stdout).toMatch(/"text": "refuse show\\nforged \\u001b\[2J\\u202e"/);
      const json = JSON.parse((await letters('show', id, '--json')).stdout) as Record<string, unknown>;
      expect(json).toMatchObject({
        id,
        type: 'slip',
        deliveries: [{ history: [{ attempt: 1 }, { attempt: 2 }] }],
        payload: { text: 'refuse show\nforged \u001b[2J\u202e' },
      });
    },
    TEST_MS,
  );

  it(
    'requeues one, with all its attempts',
    async () => {
      const id = await operator.deadSlip('requeue');
      const { code, stdout } = await letters('requeue', id);
      expect({ code, stdout }).toEqual({ code: 0, stdout: `requeued ${id} at role.clerk\n` });
      await operator.delivery(id, 'role.clerk', 'dead', 4);
    },
    TEST_MS,
  );

  it(
    'sends an edited payload, as JSON or from a file, in a new message that names the old',
    async () => {
      writeFileSync(join(folder, 'edited.json'), '{"text":"from a file"}');
      const replaced: string[] = [];
      for (const payload of ['{"text":"fine"}', '@edited.json']) {
        const id = await operator.deadSlip('edit');
        const { code, stdout } = await letters('requeue', id, '--payload', payload, '--json');
        expect(code).toBe(0);
        const { replacedBy: replacement } = JSON.parse(stdout) as { replacedBy: string };
        expect(JSON.parse(stdout)).toEqual({ id, consumers: ['role.clerk'], replacedBy: expect.any(String) });
        const again = await letters('requeue', id, '--payload', payload, '--consumer', 'role.clerk');
        expect(again).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(`was discarded: replaced by ${replacement}`),
        });
        await operator.delivery(replacement, 'role.clerk', 'completed');
        expect(await operator.message(replacement)).toMatchObject({ causationId: id });
        replaced.push(id);
      }
      const open = (await listed()).map((row) => row['id']);
      const all = (await listed('--discarded')).map((row) => row['id']);
      expect(open.filter((id) => replaced.includes(id as string))).toEqual([]);
      expect(all).toEqual(expect.arrayContaining(replaced));
    },
    TEST_MS,
  );

  it(
    'requeues all of a type at a consumer; counts them first if asked to',
    async () => {
      const id = await operator.deadSlip('all');
      const dead = (await listed('--type', 'slip')).length;
      const dry = await letters('requeue', '--all', '--type', 'slip', '--dry-run');
      expect(dry).toMatchObject({ code: 0, stdout: `would requeue ${dead} of ${dead} deliveries\n` });
      expect((await operator.message(id)).deliveries).toMatchObject([{ state: 'dead', attempt: 2 }]);
      const other = await letters('requeue', '--all', '--consumer', 'role.other');
      expect(other).toMatchObject({ code: 0, stdout: 'requeued 0 of 0 deliveries\n' });
      const all = ['requeue', '--all', '--type', 'slip', '--consumer', 'role.clerk', '--rate', '100'];
      expect(await letters(...all)).toMatchObject({
        code: USAGE,
        stderr: `agentmq: This requeues ${dead} deliveries. Go on? There is no terminal to ask on: add --yes\n`,
      });
      const run = await letters(...all, '--yes');
      expect(run).toMatchObject({ code: 0, stdout: `requeued ${dead} of ${dead} deliveries\n` });
      await operator.delivery(id, 'role.clerk', 'dead', 4);
    },
    TEST_MS,
  );

  it(
    'discards one, with a reason; that is no dead letter any more',
    async () => {
      const id = await operator.deadSlip('discard');
      const reason = 'a test slip';
      const { code, stdout } = await letters('discard', id, '--reason', reason, '--json');
      expect({ code, told: JSON.parse(stdout) as unknown }).toEqual({
        code: 0,
        told: { id, consumers: ['role.clerk'] },
      });
      expect((await listed()).map((row) => row['id'])).not.toContain(id);
      expect(await listed('--discarded')).toContainEqual(
        expect.objectContaining({ id, discarded: { at: expect.any(String), reason } }),
      );
      expect((await letters('discard', id, '--reason', 'again')).code).toBe(1);
    },
    TEST_MS,
  );

  it(
    'replays completed messages to a role that is new, once',
    async () => {
      const ids = [await operator.slip('for the record'), await operator.slip('and another')];
      for (const id of ids) await operator.delivery(id, 'role.clerk', 'completed');
      const audit = await system.start(CLERK, 'audit-1', {}, ['audit']);
      await audit.ready(START_MS);
      const selection = ['--id', ...ids, '--state', 'completed', '--to', 'role.audit'];
      const dry = await operator.cli(['replay', ...selection, '--dry-run']);
      expect(dry).toMatchObject({ code: 0, stdout: 'would replay 2 of 2 deliveries\n' });
      const run = await operator.cli(['replay', ...selection, '--yes']);
      expect(run).toMatchObject({ code: 0, stdout: 'replayed 2 of 2 deliveries\n' });
      for (const id of ids) await operator.delivery(id, 'role.audit', 'completed');
      const again = await operator.cli(['replay', ...selection]);
      expect(again.stdout).toMatch(/^replayed 0 of /);
    },
    2 * TEST_MS,
  );

  it(
    'replays by type, time and consumer',
    async () => {
      const id = await operator.deadSlip('window');
      const window = ['--type', 'slip', '--state', 'dead', '--dry-run', '--consumer', 'role.clerk'];
      const count = async (...args: string[]): Promise<number> => {
        const { stdout } = await operator.cli(['replay', ...window, ...args]);
        return Number(/of (\d+) deliveries/.exec(stdout)?.[1]);
      };
      const now = new Date(Date.now() + 60_000).toISOString();
      const dead = await count();
      expect(dead).toBeGreaterThan(0);
      expect(await count('--before', now)).toBe(dead);
      expect(await count('--from', now)).toBe(0);
      expect(await count('--id', id)).toBe(1);
    },
    TEST_MS,
  );

  it(
    'lists queues with what differs, and makes them anew while the agents run',
    async () => {
      const { stdout } = await operator.cli(['queues', 'list', 'role.clerk'], {
        AMQP_URL: amqpUrl(),
        RABBITMQ_QUEUE_TYPE: 'classic',
      });
      expect(stdout).toMatch(/role\.clerk +0 +\d+ +x-queue-type quorum, not classic/);
      const limited = await operator.cli(['queues', 'migrate', 'role.clerk'], {
        AMQP_URL: amqpUrl(),
        MESSAGE_BUS_MAX_QUEUE_SIZE: '9000',
      });
      expect(limited).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/role\.clerk: made anew, 0 messages moved/),
      });
      const audited = await operator.cli(['audit', '--action', 'queues.migrate', '--json']);
      expect(pageOf(audited.stdout).items).toMatchObject([{ target: 'role.clerk', via: 'cli' }]);
      await operator.delivery(await operator.slip('after'), 'role.clerk', 'completed');
    },
    TEST_MS,
  );

  it(
    'shows a trace as a tree, by the id of one of its messages',
    async () => {
      const id = await operator.deadSlip('trace');
      const { stdout } = await letters('requeue', id, '--payload', '{"text":"fine"}');
      const replacement = /^sent (\S+)/.exec(stdout)?.[1] ?? '';
      await operator.delivery(replacement, 'role.clerk', 'completed');
      const { code, stdout: tree } = await operator.cli(['trace', replacement]);
      expect(code).toBe(0);
      expect(tree).toMatch(/^trace {4}[0-9a-f]{32}\n/);
      expect(tree).toMatch(/\nsend slip → role\.clerk .* failed HANDLER_FAILED\n/);
      expect(tree).toMatch(/\n└─ send slip → role\.clerk .* clerk\S* +completed\n/);
      const json = JSON.parse((await operator.cli(['trace', id, '--json'])).stdout) as Trace;
      expect(json.hops).toMatchObject([
        { messageId: id, outcome: 'failed', attempts: [{ outcome: 'failed' }, { outcome: 'failed' }] },
        { messageId: replacement, causationId: id, from: 'operator', outcome: 'completed' },
      ]);
    },
    TEST_MS,
  );

  it(
    'shows the system: overview, agents, consumers, leaders, health',
    async () => {
      const json = async (...args: string[]) => JSON.parse((await operator.cli([...args, '--json'])).stdout) as unknown;
      expect(await json('overview')).toMatchObject({ namespace: system.namespace, agents: { healthy: 3 } });
      const healthy = { health: 'healthy', roles: ['clerk'] };
      expect(await json('agents', 'show', 'clerk')).toMatchObject({ id: 'clerk', ...healthy });
      const items = expect.arrayContaining([expect.objectContaining({ name: 'role.clerk', agents: 1 })]);
      expect(await json('consumers')).toMatchObject({ items });
      expect((await operator.cli(['agents'])).stdout).toMatch(/^agent +health .*\n─[^]*\nclerk +healthy +clerk /);
      expect((await operator.cli(['leader'])).stdout).toMatch(/\nmonitors +m1 +\d+ .* up\n/);
      expect(await operator.cli(['health'])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/\nagents +up +3 healthy\n/),
      });
      const app = system.app('clerk').url;
      expect((await operator.cli(['health', app])).stdout).toMatch(/\nmessage_bus +up /);
      const page = await operator.cli(['health', `${system.app('m1').url}/messages`]);
      expect(page).toMatchObject({ code: 1, stdout: expect.stringMatching(/ down +answers 200 OK, which is not how/) });
      const nowhere = await operator.cli(['health', `${system.app('m1').url}/nowhere`]);
      expect(nowhere).toMatchObject({ code: 1, stdout: expect.stringMatching(/ down +answers 404 Not Found/) });
      const nobody = await operator.cli(['health', 'http://127.0.0.1:1']);
      expect(nobody).toMatchObject({ code: 1, stdout: expect.stringMatching(/ down +does not answer: .*\n/) });
    },
    TEST_MS,
  );

  it(
    'finds messages, and explains one',
    async () => {
      const id = await operator.deadSlip('explain');
      const search = ['messages', '--type', 'slip', '--consumer', 'role.clerk', '--state', 'dead'];
      const page = pageOf((await operator.cli([...search, '--limit', '1', '--json'])).stdout);
      expect(page).toMatchObject({ items: [{ id, recipient: 'role.clerk' }] });
      expect((await operator.cli(['messages', 'show', id])).stdout).toMatch(
        /payload\n {2}\{\n.*"text": "refuse explain"/,
      );
      const { code, stdout } = await operator.cli(['explain', id]);
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: expect.stringMatching(/^consumer +role\.clerk\nreason +dead\n/),
      });
    },
    TEST_MS,
  );

  it(
    'requeues and discards those that failed alike, and records it',
    async () => {
      for (const n of [1, 2]) await operator.deadSlip(`alike ${n}`);
      const groups = pageOf((await letters('groups', '--json')).stdout).items;
      const group = groups.find(({ error }) => /refuse alike/.test(JSON.stringify(error)))?.['id'] as string;
      const reason = ['--reason', 'tried'];
      expect(await letters('discard', '--group', group, ...reason)).toMatchObject({ code: USAGE });
      const run = await letters('discard', '--group', group, ...reason, '--yes');
      expect(run).toMatchObject({ code: 0, stdout: 'discarded 2 of 2 deliveries\n' });
      const { items } = pageOf((await operator.cli(['audit', '--action', 'dead-letters.discard', '--json'])).stdout);
      expect(items[0]).toMatchObject({ via: 'cli', by: userInfo().username, rows: 2, reason: 'tried' });
    },
    TEST_MS,
  );

  it(
    'pauses a role and drains an agent, which go on when they are resumed',
    async () => {
      const because = ['--reason', 'a new disk'];
      const paused = await operator.cli(['pause', 'role.clerk', ...because], bus);
      expect(paused).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^role\.clerk is paused, .*: a new disk\n$/),
      });
      expect((await operator.cli(['pause'])).stdout).toMatch(/\nrole\.clerk +paused, since /);
      const id = await operator.slip('waits');
      expect((await operator.cli(['explain', id])).stdout).toMatch(/\nreason +(paused|in_outbox)\n/);
      expect(await operator.cli(['resume', 'role.clerk'], bus)).toMatchObject({ code: 0 });
      await operator.delivery(id, 'role.clerk', 'completed');
      const drained = await operator.cli(['drain', 'clerk', ...because, '--wait'], bus);
      expect(drained).toMatchObject({ code: 0, stdout: expect.stringMatching(/^agent\.clerk is drained, /) });
      expect(await operator.cli(['resume', 'agent.clerk'], bus)).toMatchObject({ code: 0 });
      expect(await operator.cli(['resume', 'agent.clerk'], bus)).toMatchObject({ code: 1 });
      expect(await operator.cli(['pause', 'role.nobody', ...because], bus)).toMatchObject({ code: 1 });
    },
    TEST_MS,
  );

  it(
    'waits for no agent that is resumed, dead or stopped to be drained',
    async () => {
      const audit = system.app('audit-1');
      const drain = ['drain', 'audit-1', '--reason', 'a new disk', '--wait'];
      audit.pause();
      const waiting = CliRun.start(folder, drain, { ...operator.settings, ...bus });
      await until('it waits', () => waiting.stderr.includes('finishes what it has'), 30_000, 50);
      expect(await operator.cli(['resume', 'agent.audit-1'], bus)).toMatchObject({ code: 0 });
      expect(await waiting.exit).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/was resumed, or its agent has ended\n$/),
      });
      const brief = { ...bus, REGISTRY_HEARTBEAT_INTERVAL: '1', REGISTRY_AGENT_TIMEOUT: '3' };
      const dead = await operator.cli(drain, brief);
      expect(dead).toMatchObject({ code: 1, stderr: expect.stringMatching(/agent\.audit-1 is dead/) });
      audit.resume();
      await audit.kill('SIGTERM');
      const stopped = await operator.cli(drain, bus);
      expect(stopped).toMatchObject({ code: 0, stderr: expect.stringMatching(/agent\.audit-1 is stopped/) });
      expect(await operator.cli(['resume', 'agent.audit-1'], bus)).toMatchObject({ code: 0 });
    },
    TEST_MS,
  );

  it(
    'joins as a client: sends, publishes, hears and asks',
    async () => {
      const heard = CliRun.start(folder, ['subscribe', 'slips.*', '--count', '1', '--json'], {
        ...operator.settings,
        ...bus,
      });
      await until('it listens', () => heard.stderr.includes('listens to'), 30_000, 50);
      const published = await operator.cli(['publish', 'slips.new', 'slip', '{"text":"news"}'], bus);
      const id = published.stdout.trim();
      expect(JSON.parse((await heard.exit).stdout)).toMatchObject({
        id,
        recipient: 'topic:slips.new',
        payload: { text: 'news' },
      });
      await operator.delivery(id, 'agent.clerk', 'completed');
      const sent = await operator.cli(['send', 'role.clerk', 'slip', '{"text":"one"}'], bus);
      await operator.delivery(sent.stdout.trim(), 'role.clerk', 'completed');
      const asked = await operator.cli(['request', 'role.clerk', 'slip', '{"text":"two"}'], bus);
      expect(asked).toMatchObject({ code: 0, stdout: 'null\n' });
      const refused = await operator.cli(['request', 'role.clerk', 'slip', '{"text":2}'], bus);
      expect(refused).toMatchObject({ code: USAGE, stderr: expect.stringMatching(/text must be a string/) });
      const { items } = pageOf((await operator.cli(['audit', '--limit', '4', '--json'])).stdout);
      expect(items.map(({ action, target }) => `${String(action)} ${String(target)}`)).toEqual([
        'message.request slip to role.clerk',
        'message.request slip to role.clerk',
        `message.send ${sent.stdout.trim()} to role.clerk`,
        `message.publish ${id} to topic:slips.new`,
      ]);
    },
    TEST_MS,
  );

  it(
    'suggests commands, options and their values to a shell',
    async () => {
      const suggested = async (...words: string[]) => (await operator.cli(['complete', '--', ...words])).stdout;
      expect(await suggested('dead-letters', 're')).toMatch(/^requeue\t/);
      expect(await suggested('tasks', 'list', '--state', '')).toMatch(/^queued\t/);
      expect((await operator.cli(['completion', 'zsh'])).stdout).toMatch(/^#compdef agentmq\n/);
    },
    TEST_MS,
  );

  describe('ends with 1 for', () => {
    it(
      'a message that is not there',
      async () => {
        const { code, stderr } = await letters('show', 'nobody');
        expect({ code, stderr }).toEqual({ code: 1, stderr: 'agentmq: there is no message nobody\n' });
        expect((await letters('discard', 'nobody', '--reason', 'x')).code).toBe(1);
      },
      TEST_MS,
    );

    it(
      'a message that is not dead',
      async () => {
        const id = await operator.slip('alive');
        await operator.delivery(id, 'role.clerk', 'completed');
        for (const args of [
          ['show', id],
          ['requeue', id, '--payload', '{}'],
        ]) {
          const { code, stderr } = await letters(...args);
          expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/is completed/) });
        }
      },
      TEST_MS,
    );

    it(
      'a subscription and a task that there are not, and a task that has ended',
      async () => {
        const unsubscribed = await operator.cli(['subscriptions', 'end', 'role.clerk', 'slips.none']);
        expect(unsubscribed).toMatchObject({ code: 1, stderr: expect.stringMatching(/not subscribed to slips\.none/) });
        const unknown = await operator.cli(['tasks', 'cancel', 'none'], bus);
        expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/there is no task none/) });
        const database = new Client(databaseUrl());
        await database.connect();
        await database.query(
          `INSERT INTO ${system.namespace}.tasks (id, type, version, payload, destination, strategy, priority, attempts, on_failure,
             state, submitter, trace, due_at, deadline, finished_at)
           SELECT 'done', 'x', 1, '{}', 'role.y', 'least-loaded', 5, 3, 'fail-fast', 'completed', 'me', '{}', now, now, now FROM now()`,
        );
        await database.end();
        for (const change of ['cancel', 'retry']) {
          const done = await operator.cli(['tasks', change, 'done'], bus);
          expect(done).toMatchObject({ code: 1, stderr: expect.stringMatching(/task done is completed/) });
        }
      },
      TEST_MS,
    );

    it(
      'a database that is not there, and one without this schema',
      async () => {
        const away = await operator.cli(['dead-letters', 'list'], { DATABASE_URL: 'postgres://me@127.0.0.1:1/x' });
        expect(away).toMatchObject({ code: 1, stderr: expect.stringMatching(/the database is not available/) });
        const empty = await operator.cli(['replay'], { NAMESPACE: 'there_is_none' });
        expect(empty).toMatchObject({ code: 1, stderr: expect.stringMatching(/no schema "there_is_none"/) });
      },
      TEST_MS,
    );
  });

  it(
    'lists subscriptions, and moves what a role is owed to another',
    async () => {
      const id = await operator.deadSlip('move');
      const list = await operator.cli(['subscriptions', 'list', '--consumer', 'agent.clerk']);
      expect(list).toMatchObject({ code: 0, stdout: expect.stringMatching(/agent\.clerk +slips\.\* .* in force\n/) });
      const moved = await operator.cli(['move', 'role.clerk', 'role.heir', '--dead', '--yes']);
      expect(moved).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^moved [1-9]\d* of [1-9]\d* deliveries\n$/),
      });
      expect((await operator.message(id)).deliveries).toMatchObject([
        { consumer: 'role.clerk', state: 'dead' },
        { consumer: 'role.heir', state: 'pending' },
      ]);
    },
    TEST_MS,
  );

  it.each([
    ['dead-letters list --limit 0', /--limit/],
    ['dead-letters list --consumer clerk', /--consumer/],
    ['dead-letters requeue', /name one message, or --group <id>, or --all/],
    ['dead-letters requeue --all --payload {}', /--payload/],
    ['dead-letters requeue x --payload @none.json', /--payload: none\.json can't be read/],
    ['dead-letters discard x', /--reason/],
    ['replay --from yesterday', /--from/],
    ['replay --state lost', /--state/],
    ['replay --rate 0', /--rate/],
    ['replay --to everybody', /--to/],
    ['replay --topic a..b', /a\.\.b/],
    ['move role.clerk role.clerk', /itself/],
    ['queues list clerk', /must be role\.<role>/],
  ])(
    'ends with 2 for %s',
    async (line, problem) => {
      const { code, stderr } = await operator.cli(line.split(' '));
      expect({ code, stderr }).toEqual({ code: USAGE, stderr: expect.stringMatching(problem) });
    },
    TEST_MS,
  );
});
