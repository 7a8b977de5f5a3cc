import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, buses, databaseUrl, randomNamespace, removeNamespace } from '../support/index.js';
import { CliRun, type CliExit } from './cli-run.js';

const RUN_MS = 180_000;
const AGENTS = ['agent-1', 'agent-2', 'agent-3', 'agent-4', 'agent-5'];
const PROTOCOLS = [
  'request-response',
  'publish-subscribe',
  'broadcast',
  'direct',
  'task-distribution',
  'delegation',
  'pipeline',
  'consensus',
  'leader-election',
];
const FELLOWS = AGENTS.slice(1);

/** What agents said, by agent, in the order in which it was said. */
const linesOf = (text: string): [string, string][] =>
  [...text.matchAll(/^ *[\d.]+ s {2}(agent-\d+) +(.*)$/gm)].map(([, agent = '', said = '']) => [agent, said]);

/** Which agents said something, once each and sorted. */
const whoSaid = (text: string, what: RegExp): string[] =>
  [...new Set(linesOf(text).flatMap(([agent, said]) => (what.test(said) ? [agent] : [])))].sort();

/** The part of the output that is about one protocol. */
const sectionOf = (stdout: string, protocol: string): string =>
  stdout.split(/^== /m).find((section) => section.startsWith(`${protocol}: ${AGENTS.length} agents ==`)) ?? '';

describe('agentmq run --protocol', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agentmq-e2e-protocols-'));
  const used: { readonly namespace: string; readonly bus: Bus }[] = [];
  const quick = { COORDINATION_LEADER_HEARTBEAT_INTERVAL: '0.1', COORDINATION_ELECTION_TIMEOUT: '0.5' };
  const serversOf = (bus: Bus): Record<string, string> => {
    const namespace = randomNamespace('e2e');
    used.push({ namespace, bus });
    return { ...quick, ...bus.environment(bus.sharedUrl()), DATABASE_URL: databaseUrl(), NAMESPACE: namespace };
  };
  const run = (args: string[], env: Record<string, string> = {}): Promise<CliExit> =>
    CliRun.start(folder, ['run', ...args], env).exit;

  afterAll(async () => {
    for (const { namespace, bus } of used) await removeNamespace(namespace, bus);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }, RUN_MS);

  const results = new Map<string, CliExit>();

  beforeAll(async () => {
    const environments = { RabbitMQ: serversOf(buses.rabbitmq), Redis: serversOf(buses.redis) };
    const all = ['--protocol', 'all', '--agents', String(AGENTS.length)];
    await Promise.all(Object.entries(environments).map(async ([bus, env]) => results.set(bus, await run(all, env))));
  }, RUN_MS);

  describe.each(['RabbitMQ', 'Redis'])('all, over %s', (bus) => {
    const result = (): CliExit => results.get(bus) as CliExit;
    const told = (protocol: string): string => sectionOf(result().stdout, protocol);

    it('goes through each in turn, sums up, and ends with exit code 0', () => {
      const { code, stdout, stderr } = result();
      const failed = stdout.split('\n').filter((line) => /^ *[\d.]+ s {2}\S+ +failed/.test(line));
      expect({ code, stderr, failed }).toEqual({ code: 0, stderr: '', failed: [] });
      const headings = [...stdout.matchAll(/^== (\S+): 5 agents ==$/gm)].map(([, name]) => name);
      expect(headings).toEqual(PROTOCOLS);
      const [, summary = ''] = stdout.split(`== summary: ${PROTOCOLS.length} of ${PROTOCOLS.length} passed ==\n`);
      const passed = [...summary.matchAll(/^ *[\d.]+ s {2}(\S+) +passed$/gm)].map(([, name]) => name);
      expect(passed).toEqual(PROTOCOLS);
    });

    it('request-response: each asks the next, and the answers add up to the whole table', () => {
      const text = told('request-response');
      for (const [n, agent] of AGENTS.entries()) {
        const next = AGENTS[(n + 1) % AGENTS.length] as string;
        expect(whoSaid(text, new RegExp(`^asks ${next} 3 things`))).toEqual([agent]);
        expect(whoSaid(text, new RegExp(`^answers ${agent}: damaging \\d+$`))).toEqual([next]);
        expect(whoSaid(text, new RegExp(`^has been told by ${next}`))).toEqual([agent]);
      }
      expect(text).toContain('agent-1  the 15 answers add up to the whole table: strikes 10,000, damaging 1,061');
      expect(whoSaid(text, /^asks an agent that there is not/)).toEqual(['agent-1']);
    });

    it('publish-subscribe: each gets what its wildcards say', () => {
      const text = told('publish-subscribe');
      const patterns = linesOf(text).flatMap(([, said]) => /^subscribes to (.*)$/.exec(said)?.[1] ?? []);
      expect(patterns).toEqual(['strikes.#', 'strikes.texas.*', 'strikes.*.large', 'strikes.new_jersey.*']);
      const got = linesOf(text).flatMap(([agent, said]) => {
        const [, count, all] =
          /^has got (\d+) of (\d+): each that it subscribed to, once, and no other$/.exec(said) ?? [];
        return count === undefined ? [] : [{ agent, count: Number(count), all: Number(all) }];
      });
      expect(got.map(({ agent }) => agent)).toEqual(FELLOWS);
      const [everything, ...some] = got;
      expect(everything?.count).toBe(everything?.all);
      for (const { count, all } of some) {
        expect(count).toBeGreaterThan(0);
        expect(count).toBeLessThan(all);
      }
    });

    it('broadcast: all hear it, and confirm', () => {
      const text = told('broadcast');
      expect(whoSaid(text, /^has heard it, and confirms: \d+ strikes/)).toEqual(AGENTS);
      expect(text).toMatch(/agent-1 {2}has the word of all 5: 908 strikes at DALLAS/);
    });

    it('direct: each gets what was sent to it, and the sender nothing', () => {
      const text = told('direct');
      expect(whoSaid(text, /^has got its \d+, in order, and no other/)).toEqual(FELLOWS);
      expect(whoSaid(text, /^has got none back$/)).toEqual(['agent-1']);
      expect(text).toContain('all claims together: 40,545,276 dollars');
    });

    it('task-distribution: the quicker do more, and what one had that was cut off is taken over', () => {
      const text = told('task-distribution');
      const done = linesOf(text).flatMap(([agent, said]) => {
        const [, count, all] = /^has done (\d+) of (\d+) tasks/.exec(said) ?? [];
        return count === undefined ? [] : [{ agent, count: Number(count), all: Number(all) }];
      });
      expect(done.map(({ agent }) => agent)).toEqual(FELLOWS);
      expect(done.reduce((sum, { count }) => sum + count, 0)).toBe(done[0]?.all);
      expect(whoSaid(text, /^is cut from the message bus/)).toEqual(['agent-5']);
      const [heir] = whoSaid(text, /^has taken over what agent-5 had in its hands/);
      expect(FELLOWS.slice(0, -1)).toContain(heir);
      expect(text).toContain('all 60 tasks add up to the whole table: 40,545,276 dollars');
      expect(text).toContain(`agent-5  has ended its task late, and is not listened to: the result of ${heir} stands`);
    });

    it('delegation: it goes down from the CEO to the workers, and the reports come back up', () => {
      const text = told('delegation');
      const titles = linesOf(text).flatMap(
        ([, said]) => /^is (?:the|a) (CEO|manager|lead|worker)/.exec(said)?.[1] ?? [],
      );
      expect(titles).toEqual(['CEO', 'manager', 'lead', 'worker', 'worker']);
      expect(whoSaid(text, /^delegates rows 1 to 10,000: [12] (manager|lead|worker)s?$/)).toEqual(AGENTS.slice(0, 3));
      expect(whoSaid(text, /^reports 10,000 strikes, 1,061 of which did damage$/)).toEqual(AGENTS.slice(0, 3));
      for (const worker of ['agent-4', 'agent-5'])
        expect(text).toContain(`${worker}  did it by agent-1 > agent-2 > agent-3 > ${worker}\n`);
      expect(text).toContain('as it is in the whole table: 40,545,276 dollars');
    });

    it('pipeline: each part goes through four stages, each by an agent of its own', () => {
      const text = told('pipeline');
      const stages = linesOf(text).flatMap(([agent, said]) => {
        const [, stage, times] = /^has done "(\w+)" (\d+) times$/.exec(said) ?? [];
        return stage === undefined ? [] : [{ agent, stage, times: Number(times) }];
      });
      const expected = ['parse', 'clean', 'analyse', 'report'];
      expect(stages).toEqual(expected.map((stage, n) => ({ agent: FELLOWS[n], stage, times: 20 })));
      expect(text).toContain('has 20 reports; the first went agent-2 > agent-3 > agent-4 > agent-5: ');
      expect(text).toContain('all together: 7,164 strikes have a speed');
    });

    it('consensus: each agent votes with its reason, and they come to a decision', () => {
      const text = told('consensus');
      expect(whoSaid(text, /^votes (for|against|abstain): \d+ of 40 strikes/)).toEqual(AGENTS);
      expect(text).toMatch(/agent-1 {2}learns that the proposal is (approved|rejected)/);
    });

    it('leader-election: a leader is killed, another elected, and the first can not write any more', () => {
      const text = told('leader-election');
      expect(whoSaid(text, /^has joined the group$/)).toEqual(AGENTS);
      const elected = [...text.matchAll(/(agent-\d) {2}has written as the leader of term (\d+)/g)];
      const [[, first, oldTerm] = [], [, next, newTerm] = []] = elected;
      expect(elected).toHaveLength(2);
      expect(next).not.toBe(first);
      expect(Number(newTerm)).toBeGreaterThan(Number(oldTerm));
      expect(text).toContain(`${first}  is killed`);
      expect(text).toContain(`${first}  tried to write in term ${oldTerm}, and was refused`);
    });
  });

  it(
    'one alone needs no heading',
    async () => {
      const { code, stdout, stderr } = await run(['--protocol', 'consensus', '--agents', '3']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toContain('==');
      expect(whoSaid(stdout, /^votes /)).toEqual(['agent-1', 'agent-2', 'agent-3']);
    },
    RUN_MS,
  );

  it(
    'tries each of all though others fail, names what failed, and ends with exit code 1',
    async () => {
      const nobody = { ...serversOf(buses.rabbitmq), AMQP_URL: 'amqp://guest:guest@127.0.0.1:1' };
      const { code, stdout, stderr } = await run(['--protocol', 'all'], nobody);
      expect(code).toBe(1);
      expect(stdout).toContain(`== summary: 0 of ${PROTOCOLS.length} passed ==`);
      const failed = [...stdout.matchAll(/^ *[\d.]+ s {2}(\S+) +failed {2}\S/gm)].map(([, name]) => name);
      expect(failed).toEqual(PROTOCOLS);
      expect(stderr).toBe(`agentmq: failed: ${PROTOCOLS.join(', ')}\n`);
    },
    RUN_MS,
  );

  it(
    'refuses what there is not with exit code 2 and the list, and too few agents',
    async () => {
      const unknown = await run(['--protocol', 'telepathy']);
      expect(unknown).toMatchObject({ code: 2, stdout: '' });
      expect(unknown.stderr).toContain(`${PROTOCOLS.join(', ')}, all`);
      const few = await run(['--protocol', 'leader-election', '--agents', '2']);
      expect(few).toMatchObject({
        code: 2,
        stdout: '',
        stderr: 'agentmq: --agents: leader-election needs 3 or more\n',
      });
    },
    RUN_MS,
  );
});
