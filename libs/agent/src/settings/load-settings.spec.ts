import { describe, expect, it } from '@jest/globals';
import { loadSettings } from './load-settings.js';
import { SettingsError } from 'agentmq/settings';

function problemsOf(variables: Record<string, string>): readonly string[] {
  try {
    loadSettings(variables);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
  }
  return [];
}

describe('loadSettings', () => {
  it('has a default for everything', () => {
    expect(loadSettings({})).toMatchObject({
      namespace: 'agentmq',
      bus: { type: 'rabbitmq', queueType: 'quorum', maxQueueSize: 10_000 },
      registry: { heartbeatInterval: 30_000, agentTimeout: 120_000 },
      http: { port: 3_000 },
    });
  });

  it('has the defaults of claims, retries and retention, in ms', () => {
    const { messaging, retry } = loadSettings({});
    expect(messaging).toMatchObject({
      leaseMs: 30_000,
      outboxLimit: 100_000,
      replayIntervalMs: 30_000,
      retentionMs: 604_800_000,
      deadRetentionMs: 2_592_000_000,
      defaultTtlMs: 3_600_000,
      handlerTimeoutMs: 600_000,
    });
    expect(retry).toEqual({ attempts: 5, delay: 1_000, factor: 2, maxDelay: 60_000 });
    expect(loadSettings({ DATABASE_POOL_SIZE: '7', DATABASE_STATEMENT_TIMEOUT: '0' }).database).toMatchObject({
      poolSize: 7,
      statementTimeoutMs: 0,
    });
  });

  it('takes fractions of a second for the waits between attempts', () => {
    expect(loadSettings({ RETRY_DELAY: '0.05', RETRY_MAX_DELAY: '1.1' }).retry).toMatchObject({
      delay: 50,
      maxDelay: 1_100,
    });
  });

  it.each([
    ['DATABASE_POOL_SIZE', '1', '1001'],
    ['DATABASE_STATEMENT_TIMEOUT', '-1', '86401'],
    ['MESSAGE_STORE_LEASE', '1', '3601'],
    ['MESSAGE_STORE_OUTBOX_LIMIT', '0', '1.5'],
    ['MESSAGE_STORE_REPLAY_INTERVAL', '0', '3601'],
    ['MESSAGE_STORE_RETENTION', '59', 'for ever'],
    ['MESSAGE_STORE_DEAD_RETENTION', '59', '1e12'],
    ['RETRY_ATTEMPTS', '0', '101'],
    ['RETRY_DELAY', '-0.1', 'soon'],
    ['RETRY_MAX_DELAY', '-1', '604801'],
    ['HANDLER_TIMEOUT', '0', '1701'],
  ])('refuses %s=%s and %s, and names it', (name, ...values) => {
    for (const value of values) {
      const problems = problemsOf({ [name]: value });
      expect(problems[0]).toMatch(new RegExp(`^${name}: .*given: "${value}"`));
    }
  });

  it('reports wrong waits together with the rest', () => {
    const problems = problemsOf({ RETRY_DELAY: '2', RETRY_MAX_DELAY: '1.5', HANDLER_TIMEOUT: '0' });
    expect(problems).toEqual([
      expect.stringMatching(/^HANDLER_TIMEOUT: must not be less than 1/),
      'RETRY_MAX_DELAY: must not be shorter than RETRY_DELAY',
    ]);
    expect(problemsOf({ RETRY_DELAY: '1.5', RETRY_MAX_DELAY: '1.5' })).toEqual([]);
  });

  it('reads several nodes of a cluster, and takes an empty variable as not given', () => {
    const settings = loadSettings({ AMQP_URL: 'amqp://a:1,amqp://b:2', MESSAGE_BUS_MAX_QUEUE_SIZE: '' });
    expect(settings.bus.urls).toEqual(['amqp://a:1', 'amqp://b:2']);
    expect(settings.bus.maxQueueSize).toBe(10_000);
  });

  it('reads where Redis is, when that is the bus', () => {
    const REDIS_URL = 'rediss://me:%40%2F@h:6380/2';
    expect(loadSettings({ MESSAGE_BUS_TYPE: 'redis', REDIS_URL }).bus).toMatchObject({
      type: 'redis',
      urls: [REDIS_URL],
      sentinelMaster: '',
    });
    const REDIS_SENTINEL_MASTER = 'main';
    const sentinels = {
      MESSAGE_BUS_TYPE: 'redis',
      REDIS_URL: 'redis://a:26379,redis://b:26379',
      REDIS_SENTINEL_MASTER,
    };
    expect(loadSettings(sentinels).bus).toMatchObject({
      urls: ['redis://a:26379', 'redis://b:26379'],
      sentinelMaster: 'main',
    });
    expect(loadSettings({ REDIS_URL }).bus.urls).toEqual(['amqp://guest:guest@127.0.0.1:5672']);
    for (const wrong of ['redis://h/tasks', 'redis://h/1/2', 'redis://h?db=1', 'redis://h#1', 'redis://a,amqp://b'])
      expect(problemsOf({ REDIS_URL: wrong })).toEqual([expect.stringMatching(/^REDIS_URL: /)]);
  });

  it('reports every problem at once, each naming its variable', () => {
    const problems = problemsOf({
      MESSAGE_BUS_TYPE: 'kafka',
      MESSAGE_BUS_MAX_QUEUE_SIZE: 'many',
      REGISTRY_AGENT_TIMEOUT: '-5',
      AMQP_URL: 'http://x',
      REDIS_URL: 'redis://x/tasks',
      AGENT_ID: 'a b',
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(
      expect.arrayContaining([
        'MESSAGE_BUS_TYPE',
        'MESSAGE_BUS_MAX_QUEUE_SIZE',
        'REGISTRY_AGENT_TIMEOUT',
        'AMQP_URL',
        'REDIS_URL',
        'AGENT_ID',
      ]),
    );
  });

  it('reads the keys of sensitive messages, and shows no key in what is wrong with them', () => {
    const secret = 'c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I=';
    const { sealing } = loadSettings({ SEALING_KEYS: `new:${secret},old:${secret}`, SEALING: 'accept-clear' });
    expect(sealing).toMatchObject({ mode: 'accept-clear', keys: [{ kid: 'new' }, { kid: 'old' }] });
    const problems = [
      ...problemsOf({ SEALING_KEYS: secret, SEALING: 'perhaps' }),
      ...problemsOf({ SEALING_KEYS: `a:${secret}`, SEALING_KEYS_FILE: '/nowhere' }),
      ...problemsOf({ SEALING_KEYS_FILE: '/nowhere' }),
      ...problemsOf({ SEALING_KEYS_FILE: `a:${secret}` }),
    ];
    expect(problems).toEqual([
      expect.stringMatching(/^SEALING: must be one of/),
      expect.stringMatching(/^SEALING_KEYS: key 1: must begin with its id/),
      expect.stringMatching(/^SEALING_KEYS_FILE: .* both/),
      'SEALING_KEYS_FILE: /nowhere does not exist',
      expect.stringMatching(/^SEALING_KEYS_FILE: the file .* does not exist/),
    ]);
    expect(problems.join()).not.toContain(secret.slice(0, 8));
  });

  it('refuses a time-out no longer than the heartbeat', () => {
    expect(problemsOf({ REGISTRY_HEARTBEAT_INTERVAL: '30', REGISTRY_AGENT_TIMEOUT: '30' })).toHaveLength(1);
  });

  it.each([
    'mysql://me:secret@host/db',
    'postgres:/me:secret@host/db',
    'postgres//me:secret@host/db',
    'postgres://me:secret word@host/db',
    'postgres://me:se/secret@host/db',
    'postgres://me:se#secret@host/db',
    'postgres://me:secret%zz@host/db',
    'postgres://me:123/secret@host/db',
    'postgres://me:secret',
    'me:secret',
  ])('refuses %s, and shows no password', (url) => {
    for (const variable of ['DATABASE_URL', 'AMQP_URL', 'REDIS_URL', 'NAMESPACE', 'AGENT_ID', 'MESSAGE_BUS_TYPE']) {
      const schemes: Record<string, string> = { AMQP_URL: 'amqp', REDIS_URL: 'redis' };
      const given = url.replace('postgres', schemes[variable] ?? 'postgres');
      const problems = problemsOf({ [variable]: given });
      expect(problems).toHaveLength(1);
      // A value without a sign of a URL, in a variable that holds none, may be anything.
      if (variable.endsWith('URL') || /[/@]/.test(url)) expect(problems.join()).not.toMatch(/secret|123/);
    }
  });

  it('takes URLs with an escaped password, of several nodes, and of a socket', () => {
    expect(problemsOf({ AMQP_URL: 'amqp://a:%40%2F@h1,amqps://a:b@h2:5671/%2F?heartbeat=5' })).toEqual([]);
    expect(problemsOf({ DATABASE_URL: 'postgres:///db?host=/var/run/postgresql' })).toEqual([]);
  });
});
