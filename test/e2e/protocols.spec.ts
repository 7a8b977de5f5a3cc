import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { amqpUrl, databaseUrl, randomNamespace, removeNamespace } from '../support/index.js';
import { CliRun, type CliExit } from './cli-run.js';

const RUN_MS = 180_000;

describe('agentmq run --protocol', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agentmq-e2e-protocols-'));
  const namespace = randomNamespace('e2e');
  const quick = { COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1', COORDINATION_ELECTION_TIMEOUT: '0.5' };
  const buses: [string, Record<string, string>][] = [
    ['memory', quick],
    [
      'RabbitMQ',
      {
        ...quick,
        MESSAGE_BUS_TYPE: 'rabbitmq',
        AMQP_URL: amqpUrl(),
        DATABASE_URL: databaseUrl(),
        NAMESPACE: namespace,
      },
    ],
  ];
  const run = (args: string[], env: Record<string, string> = {}): Promise<CliExit> =>
    CliRun.start(folder, ['run', ...args], env).exit;

  afterAll(async () => {
    await removeNamespace(namespace);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }, 30_000);

  describe.each(buses)('over %s', (_, env) => {
    it(
      'leader-election: a leader is killed, another elected, and the first can not write any more',
      async () => {
        const { code, stdout, stderr } = await run(['--protocol', 'leader-election', '--agents', '3'], env);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        for (const name of ['agent-1', 'agent-2', 'agent-3']) expect(stdout).toContain(`${name}  has joined`);
        const elected = [...stdout.matchAll(/(agent-\d) {2}has written as the leader of term (\d+)/g)];
        const [[, first, oldTerm] = [], [, next, newTerm] = []] = elected;
        expect(elected).toHaveLength(2);
        expect(next).not.toBe(first);
        expect(Number(newTerm)).toBeGreaterThan(Number(oldTerm));
        expect(stdout).toContain(`${first}  is killed`);
        expect(stdout).toContain(`${first}  tried to write in term ${oldTerm}, and was refused`);
      },
      RUN_MS,
    );

    it(
      'consensus: each agent votes with its reason, and they come to a decision',
      async () => {
        const { code, stdout, stderr } = await run(['--protocol', 'consensus', '--agents', '5'], env);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        const votes = [...stdout.matchAll(/agent-(\d) {2}votes (for|against|abstain): /g)].map(([, n]) => n);
        expect([...new Set(votes)].sort((a, b) => Number(a) - Number(b))).toEqual(['1', '2', '3', '4', '5']);
        expect(stdout).toMatch(/agent-1 {2}learns that the proposal is (approved|rejected)/);
      },
      RUN_MS,
    );
  });

  it(
    'refuses what there is not with exit code 2 and the list, and too few agents',
    async () => {
      const unknown = await run(['--protocol', 'telepathy']);
      expect(unknown).toMatchObject({ code: 2, stdout: '' });
      expect(unknown.stderr).toMatch(/leader-election, consensus/);
      const few = await run(['--protocol', 'leader-election', '--agents', '2']);
      expect(few).toEqual(expect.objectContaining({ code: 2, stdout: '' }));
      expect(few.stderr).toBe('agentmq: --agents: leader-election needs 3 or more\n');
    },
    RUN_MS,
  );
});
