import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { effectiveSettings } from './effective-settings.js';
import { placesIn, SettingsError } from 'agentmq/settings';
import { loadSettings } from './load-settings.js';
import { describeSettings } from './describe-settings.js';
import { AgentSettings } from './settings.js';

const settingPlaces = placesIn(new AgentSettings());

const folder = mkdtempSync(join(tmpdir(), 'settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(text: string | Uint8Array, name = 'agentmq.yaml'): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const load = (text: string | Uint8Array, variables: Record<string, string> = {}): AgentSettings =>
  loadSettings({ AGENTMQ_CONFIG: fileOf(text), ...variables });

function problemsOf(text: string | Uint8Array, variables: Record<string, string> = {}): readonly string[] {
  try {
    load(text, variables);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems.map((problem) => problem.replaceAll(`${folder}/`, ''));
    throw error;
  }
  return [];
}

describe('a configuration file', () => {
  it('has the settings by the names of the specification, as YAML and as JSON', () => {
    const sections = {
      message_bus: { type: 'in_memory', max_queue_size: 500, message_ttl: '60' },
      registry: { heartbeat_interval: 3, agent_timeout: 12 },
      coordination: { consensus_timeout: 7, leader_election_interval: 90 },
    };
    const yaml = Object.entries(sections).map(([section, keys]) =>
      [`${section}:`, ...Object.entries(keys).map(([key, value]) => `  ${key}: ${value} # as text`)].join('\n'),
    );
    const flat = Object.entries(sections).flatMap(([section, keys]) =>
      Object.entries(keys).map(([key, value]) => `${section}.${key}: ${value}`),
    );
    for (const text of [
      yaml.join('\n\n'),
      flat.join('\n'),
      JSON.stringify(sections),
      JSON.stringify(sections, null, '\t'),
    ]) {
      expect(load(text)).toMatchObject({
        bus: { type: 'in_memory', maxQueueSize: 500 },
        messaging: { defaultTtlMs: 60_000 },
        registry: { heartbeatInterval: 3_000, agentTimeout: 12_000 },
        coordination: { consensusTimeout: 7_000, leaderElectionInterval: 90_000 },
      });
    }
  });

  it('has each setting at one place, which is no section', () => {
    const places = [...settingPlaces.values()];
    expect(new Set(places).size).toBe(places.length);
    for (const place of places) {
      expect(place).toMatch(/^[a-z_]+(\.[a-z_]+)?$/);
      expect(places.filter((other) => other.startsWith(`${place}.`))).toEqual([]);
    }
    expect(settingPlaces.get('MESSAGE_BUS_TYPE')).toBe('message_bus.type');
    expect(settingPlaces.get('SCALING')).toBe('scaling.roles');
  });

  it('comes after the environment and before the default of the app', () => {
    const text = 'registry: { heartbeat_interval: 3, agent_timeout: 12 }\nnamespace: from_file\nagent: { id: 007 }';
    const settings = loadSettings(
      { AGENTMQ_CONFIG: fileOf(text), REGISTRY_AGENT_TIMEOUT: '99', REGISTRY_HEARTBEAT_INTERVAL: '' },
      { NAMESPACE: 'of_the_app', MESSAGE_BUS_TYPE: 'in_memory' },
    );
    expect(settings.registry).toEqual({ heartbeatInterval: 3_000, agentTimeout: 99_000 });
    expect(settings).toMatchObject({ namespace: 'from_file', agentId: '007', bus: { type: 'in_memory' } });
  });

  it('is told of with what is wrong in it, all at once, by line and place', () => {
    const text = [
      'registry:',
      '  agent_timeout: 1',
      '  heartbeat_interval: [1, 2]',
      'message_bus:',
      '  type: carrier_pigeon',
      '  max_queue_size: true',
      '  start:',
      '  message_ttl: {}',
      'retry: 5',
      'retry: { delay: "", attempts: 2 }',
      'scaling:',
    ].join('\n');
    expect(problemsOf(text, { HTTP_PORT: 'x' })).toEqual([
      'agentmq.yaml:3: registry.heartbeat_interval: must be text or a number, not a list',
      'agentmq.yaml:6: message_bus.max_queue_size: must be text or a number, not a boolean',
      'agentmq.yaml:7: message_bus.start: has no value: give one, or remove the key',
      'agentmq.yaml:8: message_bus.message_ttl: must be text or a number, not a section',
      'agentmq.yaml:9: retry: is a section: its settings go under it, one a line',
      'agentmq.yaml:10: retry: is given twice',
      expect.stringContaining('agentmq.yaml:5: message_bus.type: must be one of'),
      'agentmq.yaml:2: registry.agent_timeout: must not be less than 2 (given: "1")',
      expect.stringMatching(/^HTTP_PORT: .*given: "x"/),
      'agentmq.yaml:2: registry.agent_timeout: must be longer than REGISTRY_HEARTBEAT_INTERVAL',
    ]);
  });

  it.each([
    ['registry: { agent_timout: 5 }', 'registry.agent_timout', 'registry.agent_timeout'],
    ['regstry: { agent_timeout: 5 }', 'regstry.agent_timeout', 'registry.agent_timeout'],
    ['messageBus: { maxQueueSize: 5 }', 'messageBus.maxQueueSize', 'message_bus.max_queue_size'],
    ['MESSAGE_BUS_TYPE: in_memory', 'MESSAGE_BUS_TYPE', 'message_bus.type'],
    ['"MessageBus.Type": in_memory', 'MessageBus.Type', 'message_bus.type'],
    ['message_bus: { queue_size: 5 }', 'message_bus.queue_size', 'message_bus.max_queue_size'],
    [
      'coordination: { election_interval: 5 }',
      'coordination.election_interval',
      'coordination.leader_election_interval',
    ],
    ['name_space: x', 'name_space', 'namespace'],
  ])('refuses %s with the nearest right key', (text, key, nearest) => {
    expect(problemsOf(text)).toEqual([`agentmq.yaml:1: ${key}: is no setting (did you mean ${nearest}?)`]);
  });

  it('suggests nothing for a key that is near to none, and bounds what it tells', () => {
    expect(problemsOf('qqqqqqq: 1')).toEqual(['agentmq.yaml:1: qqqqqqq: is no setting: docs/SETTINGS.md lists them']);
    const many = Array.from({ length: 1_000 }, (_, i) => `key_${i}: 1`).join('\n');
    expect(problemsOf(many)).toHaveLength(21);
    expect(problemsOf(many).at(-1)).toBe('agentmq.yaml: 980 more problems');
    expect(problemsOf(`${'k'.repeat(900)}: 1`)[0]).toMatch(/^.{100,150}… ?: is no setting$/);
  });

  it.each([
    ['nothing', '', 'agentmq.yaml:1: is empty'],
    ['comments alone', '# registry:\n', 'agentmq.yaml:1: is empty'],
    ['a word', 'registry', /^agentmq.yaml:1: must have sections/],
    ['a list', '- registry', /^agentmq.yaml:1: must have sections/],
    ['a tab', 'registry:\n\tagent_timeout: 5', /^agentmq.yaml:2: is no valid YAML or JSON: tab as indent/],
    ['two documents', 'namespace: a\n---\nnamespace: b', 'agentmq.yaml:2: is no valid YAML or JSON: multiple docs'],
    ['a tag', 'namespace: !foo a', 'agentmq.yaml:1: is no valid YAML or JSON: tag resolve failed'],
    ['an alias', 'namespace: &a x\nagent: { id: *a }', /^agentmq.yaml:2: agent.id: must be .*not an alias/],
    [
      'more levels than any setting has',
      `a: ${'['.repeat(20)}${']'.repeat(20)}`,
      'agentmq.yaml:1: is no valid YAML or JSON: nested too deeply',
    ],
    ['what is nested without end', '{a: '.repeat(3_000), 'agentmq.yaml:1: is no valid YAML or JSON: nested too deeply'],
    ['lists without end', '- '.repeat(3_000), 'agentmq.yaml:1: is no valid YAML or JSON: nested too deeply'],
    ['anchors without end', '&a '.repeat(3_000), 'agentmq.yaml:1: is no valid YAML or JSON: multiple anchors'],
    ['too much', '#'.repeat(65_537), 'AGENTMQ_CONFIG: agentmq.yaml is too large: at most 64 KiB'],
    ['no UTF-8', Uint8Array.of(0xff, 0xfe, 0x61, 0), 'AGENTMQ_CONFIG: agentmq.yaml is no UTF-8 text'],
  ])('with %s is refused', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)]);
  });

  it('that is not there, or a folder, or without end, is refused', () => {
    const problemOf = (path: string): unknown => {
      try {
        return loadSettings({ AGENTMQ_CONFIG: path });
      } catch (error) {
        return (error as SettingsError).problems;
      }
    };
    expect(problemOf('/nowhere/a.yaml')).toEqual(['AGENTMQ_CONFIG: /nowhere/a.yaml does not exist']);
    expect(problemOf(folder)).toEqual([`AGENTMQ_CONFIG: ${folder} is a directory`]);
    expect(problemOf('/dev/zero')).toEqual(['AGENTMQ_CONFIG: /dev/zero is too large: at most 64 KiB']);
  });

  it.each([
    'database: { url: "mysql://me:secret@host/db" }',
    'database:\n  url: |postgres://me:secret@host/db\n',
    'database: { url: @secret }',
    'database: { url: "\\secret" }',
    'database: { url: [secret] }',
    'database: { urls: "postgres://me:secret@host/db" }',
    'postgres://me:secret@host/db: 1',
    '{ "database": { "url": "postgres://me:secret@host/db }',
  ])('shows no password: %s', (text) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toMatch(/secret@|:secret|\\secret|\[secret/);
  });
});

describe('NAME_FILE', () => {
  const secret = fileOf('postgres://me:hush@host/db\n', 'database_url');

  it('is a file that has the value, in the environment and in the configuration file', () => {
    const url = 'postgres://me:hush@host/db';
    expect(loadSettings({ DATABASE_URL_FILE: secret }).database.url).toBe(url);
    expect(load(`database: { url_file: ${secret} }`).database.url).toBe(url);
    expect(load(`database: { url_file: ${secret} }`, { DATABASE_URL: 'postgres://a/b' }).database.url).toBe(
      'postgres://a/b',
    );
    expect(load('database: { url: postgres://a/b }', { DATABASE_URL_FILE: secret }).database.url).toBe(url);
  });

  it('is refused beside the value, and when there is none in it; what is wrong in it is not quoted', () => {
    expect(problemsOf('namespace: a', { DATABASE_URL_FILE: secret, DATABASE_URL: 'postgres://a/b' })).toEqual([
      'DATABASE_URL_FILE: is given together with DATABASE_URL: give one of them',
    ]);
    expect(problemsOf('amqp: { url_file: /nowhere }', { LOG_LEVEL_FILE: fileOf('\n', 'empty') })).toEqual([
      'agentmq.yaml:1: amqp.url_file: /nowhere does not exist',
      'LOG_LEVEL_FILE: empty is empty',
    ]);
    expect(problemsOf('namespace: a', { AMQP_URL_FILE: 'amqp://me:hush@host' })).toEqual([
      'AMQP_URL_FILE: the file (not shown: it may hold a password or a key) does not exist',
    ]);
    expect(problemsOf('namespace: a', { NAMESPACE_FILE: fileOf('Hush', 'name') })[0]).toMatch(
      /^NAMESPACE_FILE: must be .* not shown/,
    );
  });
});

describe('effectiveSettings', () => {
  it('has each setting with its value and its origin, and no secret', () => {
    const path = fileOf(
      'registry: { agent_timeout: 45 }\namqp: { url: "amqp://me:hush@a:1,amqps://b:2/v?password=hush" }',
    );
    const settings = effectiveSettings({ AGENTMQ_CONFIG: path, NAMESPACE: 'mine' });
    expect(settings.map(({ variable }) => variable)).toEqual([...settingPlaces.keys()]);
    expect(settings).toEqual(
      expect.arrayContaining([
        { place: 'namespace', variable: 'NAMESPACE', value: 'mine', origin: 'NAMESPACE' },
        {
          place: 'registry.agent_timeout',
          variable: 'REGISTRY_AGENT_TIMEOUT',
          value: '45',
          origin: `${path}:1: registry.agent_timeout`,
        },
        expect.objectContaining({ variable: 'AMQP_URL', value: 'amqp://a:1,amqps://b:2/v' }),
        { place: 'retry.attempts', variable: 'RETRY_ATTEMPTS', value: '5', origin: 'default' },
      ]),
    );
    expect(JSON.stringify(settings)).not.toMatch(/hush/);
  });
});

describe('what is told to users', () => {
  it('says of every setting what its declaration says: `npx agentmq settings --markdown` prints the tables', () => {
    const page = readFileSync('docs/SETTINGS.md', 'utf8');
    const tables = page.slice(page.indexOf('### '), page.indexOf('## Notes'));
    const cells = (text: string): string[] =>
      text
        .split('\n')
        .filter((line) => /^(###|\| `)/.test(line))
        .map((line) => line.replaceAll(/ +\|/g, ' |').replaceAll(/\| +/g, '| '));
    expect(cells(tables)).toEqual(cells(describeSettings()));
  });

  it('has an example that is accepted', () => {
    const secrets = { amqp_url: 'amqp://me:hush@host', database_url: 'postgres://me:hush@host/db' };
    for (const [name, text] of Object.entries(secrets)) fileOf(text, name);
    const example = readFileSync('deploy/agentmq.example.yaml', 'utf8');
    expect(problemsOf(example.replaceAll('/run/secrets', folder))).toEqual([]);
  });
});
