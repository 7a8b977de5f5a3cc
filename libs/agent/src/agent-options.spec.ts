import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DynamicModule, Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { SettingsError, settingsIn } from 'agentmq/settings';
import type { AgentModuleOptions, AgentModuleOptionsFactory } from './agent-options.js';
import { AgentModule } from './agent.module.js';
import { Agent } from './decorators.js';
import { loadSettings, settingsFor } from './settings/load-settings.js';
import { AgentSettings } from './settings/settings.js';

const environment = { ...process.env };
const folder = mkdtempSync(join(tmpdir(), 'options-'));

function fileOf(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

beforeEach(() => {
  process.env = { PATH: environment['PATH'] };
});
afterEach(() => {
  process.env = environment;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Options as JavaScript, or `ConfigService.get`, may give them. */
function problemsOf(options: unknown): readonly string[] {
  try {
    settingsFor(options as AgentModuleOptions);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
}

describe('settings in code', () => {
  it('come before the environment, which comes before the file; undefined is not given', () => {
    process.env['NAMESPACE'] = 'of_environment';
    process.env['HTTP_PORT'] = 'not read';
    process.env['AGENTMQ_CONFIG'] = fileOf('agentmq.yaml', 'registry: { heartbeat_interval: 3, agent_timeout: 12 }');
    const settings = settingsFor({
      settings: { namespace: undefined, http: { port: 0 }, registry: { agentTimeout: 45_000 }, agentId: 'stock-1' },
    });
    expect(settings).toBeInstanceOf(AgentSettings);
    expect(settings).toMatchObject({
      namespace: 'of_environment',
      http: { port: 0 },
      registry: { heartbeatInterval: 3_000, agentTimeout: 45_000 },
      retry: { attempts: 5 },
      agentId: 'stock-1',
      ephemeral: false,
    });
  });

  it('have the URLs of the bus that the settings name, as a list or as text', () => {
    const urlsOf = (bus: object) => settingsFor({ settings: { bus } }).bus.urls;
    expect(urlsOf({ urls: 'amqp://a,amqp://b' })).toEqual(['amqp://a', 'amqp://b']);
    expect(urlsOf({ urls: ['redis://a'], type: 'redis' })).toEqual(['redis://a']);
    process.env['MESSAGE_BUS_TYPE'] = 'redis';
    expect(urlsOf({ urls: ['redis://b'] })).toEqual(['redis://b']);
    expect(problemsOf({ settings: { bus: { urls: ['amqp://me:hush@b'] } } })).toEqual([
      'AgentModule.forRoot: bus.urls: must be redis(s):// URLs, separated by commas',
    ]);
  });

  it('can be all that there are', () => {
    const scaling = { roles: [{ role: 'worker', min: 1, max: 5 }] };
    const coordination = {
      routingRules: [{ pattern: 'nlp_*', targets: [{ role: 'specialist' }, { agent: 'w-1' }], priority: 10 }],
    } as const;
    const sealing = { keys: `a:${Buffer.alloc(32).toString('base64')}` };
    const settings = settingsFor({ settings: { scaling, coordination, sealing } });
    expect(settings).toMatchObject({ scaling, coordination });
    expect(settings.sealing.keys.map(({ kid }) => kid)).toEqual(['a']);

    const all = new AgentSettings();
    const options: Record<string, unknown> = {};
    for (const { path, property, owner, takes } of settingsIn(all)) {
      const [name = '', key] = path.split('.');
      if (!takes(owner)) continue;
      if (key === undefined) options[name] = owner[property];
      else options[name] = { ...(options[name] as object | undefined), [key]: owner[property] };
    }
    expect(problemsOf({ settings: options })).toEqual([]);
  });

  it('are refused all at once, each by the name of its option, without secrets', () => {
    const settings = {
      namespace: 'No',
      bus: { type: 'kafka', urls: 'http://me:hush@a', url: 'amqp://a' },
      database: { url: 'mysql://me:hush@a', poolSize: '7' },
      registry: { heartbeatInterval: 500, agentTimeout: 2_500 },
      retry: { delay: Number.NaN, attempts: 101 },
      sealing: 'on',
      scaling: { roles: [{ role: 'worker', min: 5, max: 1 }], command: null },
      coordination: { routingRules: [{ pattern: 'a=b; c', targets: [{ role: 'x' }], priority: 0 }] },
      http: { prot: 80 },
      monitor: () => undefined,
    };
    expect(problemsOf({ settings })).toEqual(
      [
        'bus.url: is no setting (did you mean bus.urls?)',
        'sealing: must be an object, not a string',
        'http.prot: is no setting (did you mean http.port?)',
        'monitor: must be an object, not a function',
        'namespace: must be 1-40 lower-case letters, digits and "_", no digit first (given: "No")',
        'bus.type: must be one of the following values: in_memory, rabbitmq, redis (given: "kafka")',
        'bus.urls: must be amqp(s):// URLs, separated by commas (given: not shown: it may hold a password or a key)',
        'database.url: must be a postgres:// URL (given: not shown: it may hold a password or a key)',
        'database.poolSize: must be a number, not a string (given: "7")',
        'retry.attempts: must not be greater than 100 (given: 101)',
        'retry.delay: must be a finite number (given: NaN)',
        'registry.heartbeatInterval: must not be less than 1000 ms (given: 500)',
        'registry.agentTimeout: must be whole seconds, in ms (given: 2500)',
        'coordination.routingRules: has an entry that is not of the type that the option has',
        'scaling.roles: "worker:5-1" must have a max from 1 to 1000, and a min that is not greater',
        'scaling.command: must be a string, not null',
      ].map((problem) => `AgentModule.forRoot: ${problem}`),
    );
    process.env['LOG_LEVEL'] = 'loud';
    expect(problemsOf({ settings: { http: { port: 1.5 } } })).toEqual([
      expect.stringMatching(/^LOG_LEVEL: must be one of .*given: "loud"/),
      'AgentModule.forRoot: http.port: must be an integer number (given: 1.5)',
    ]);
    expect(problemsOf({ settings: { registry: { agentTimeout: 30_000 } } })).toContain(
      'AgentModule.forRoot: registry.agentTimeout: must be longer than REGISTRY_HEARTBEAT_INTERVAL',
    );
  });

  it('are refused at another place than under `settings`', () => {
    expect(problemsOf({ bus: { type: 'redis' } })).toEqual([
      'AgentModule.forRoot: bus: is a setting: give it as { settings: { bus: … } }',
    ]);
    for (const none of [undefined, []])
      expect(problemsOf(none)).toEqual(['AgentModule.forRoot: must be given an object of options']);
  });

  it('are refused with what is no option, and as what is no object', () => {
    expect(problemsOf({ datasource: {}, currentTransaction: 'cls' })).toEqual([
      'AgentModule.forRoot: datasource: is no option: settings, hub, store, sealingKeys, dataSource, currentTransaction are',
      'AgentModule.forRoot: currentTransaction: must be a function, not a string',
    ]);
    const wrong: readonly (readonly [unknown, string])[] = [
      [null, 'null'],
      ['production', 'a string'],
      [Promise.resolve({}), 'a promise'],
    ];
    for (const [settings, kind] of wrong)
      expect(problemsOf({ settings })).toEqual([`AgentModule.forRoot: settings: must be an object, not ${kind}`]);
  });

  it('are refused with metrics at a path of health', () => {
    for (const metricsPath of ['/ops', '/ops/ready'])
      expect(problemsOf({ settings: { http: { healthPath: '/ops', metricsPath } } })).toEqual([
        'AgentModule.forRoot: http.metricsPath: must be another path than those of HTTP_HEALTH_PATH',
      ]);
  });

  it('are used as they are when they are complete', () => {
    const settings = { ...loadSettings({}), namespace: 'Mine', ephemeral: true };
    expect(settingsFor({ settings })).toBe(settings);
  });
});

describe('AgentModule.forRootAsync', () => {
  @Agent({ role: 'quoter' })
  class Quoter {}

  async function settingsWith(module: DynamicModule): Promise<AgentSettings> {
    @Module({ imports: [module], controllers: [Quoter] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    try {
      return app.get(AgentSettings);
    } finally {
      await app.close();
    }
  }

  it('takes settings from a ConfigService, and the variables of its .env file', async () => {
    const envFilePath = fileOf('.env', 'MESSAGE_BUS_TYPE=redis\nSHOP_REDIS=redis://shop:6380\nNAMESPACE=shop');
    const settings = await settingsWith(
      AgentModule.forRootAsync({
        imports: [ConfigModule.forRoot({ envFilePath })],
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({
          settings: { bus: { urls: config.getOrThrow<string>('SHOP_REDIS') }, agentId: config.get<string>('SHOP_ID') },
        }),
      }),
    );
    expect(settings).toMatchObject({ namespace: 'shop', bus: { type: 'redis', urls: ['redis://shop:6380'] } });
    expect(settings.ephemeral).toBe(true);
  });

  it('takes a namespace of the configuration as its provider', async () => {
    const config = registerAs('agentmq', () => ({ settings: { namespace: 'shop', http: { port: 0 } } }));
    const settings = await settingsWith(AgentModule.forRootAsync(config.asProvider()));
    expect(settings).toMatchObject({ namespace: 'shop', http: { port: 0 } });
  });

  it('takes a class, and one that the app has already', async () => {
    @Injectable()
    class Options implements AgentModuleOptionsFactory {
      static made = 0;
      private readonly namespace = `shop_${++Options.made}`;
      createAgentModuleOptions(): AgentModuleOptions {
        return { settings: { namespace: this.namespace } };
      }
    }
    @Module({ providers: [Options], exports: [Options] })
    class OptionsModule {}

    const made = await settingsWith(AgentModule.forRootAsync({ useClass: Options }));
    expect(made.namespace).toBe('shop_1');
    const existing = await settingsWith(AgentModule.forRootAsync({ imports: [OptionsModule], useExisting: Options }));
    expect(existing.namespace).toBe('shop_2');
  });

  it('is refused with what is wrong, before anything is connected', async () => {
    const wrong = settingsWith(AgentModule.forRootAsync({ useFactory: () => ({ settings: { namespace: 'No' } }) }));
    await expect(wrong).rejects.toMatchObject({
      code: 'INVALID_SETTINGS',
      problems: [expect.stringContaining('AgentModule.forRoot: namespace: must be')],
    });
  });
});
