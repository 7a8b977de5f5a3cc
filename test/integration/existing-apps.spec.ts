import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  BadRequestException,
  Body,
  type CanActivate,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  type INestApplication,
  type LoggerService,
  Module,
  type OnModuleInit,
  Post,
  type PipeTransform,
  type Provider,
  type Type,
  VersioningType,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import {
  Agent,
  AgentClient,
  AgentModule,
  type AgentSettings,
  connectAgent,
  Contract,
  Handle,
  Health,
  startAgent,
  type StartAgentOptions,
} from 'agentmq';
import { BrokerSettings } from 'agentmq/broker';
import { IsInt } from 'class-validator';
import { map, type Observable } from 'rxjs';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'price_request' })
class PriceRequest {
  @IsInt()
  amount!: number;
}

/** Opens when a test says so: a handler that is at work. */
const gate = { isHeld: false, entered: 0, left: 0 };

@Agent({ role: 'pricing' })
class PricingAgent {
  @Handle(PriceRequest)
  async price({ amount }: PriceRequest): Promise<number> {
    gate.entered++;
    await until('the gate', () => !gate.isHeld);
    gate.left++;
    return amount * 2;
  }
}

@Controller('orders')
class OrdersController {
  constructor(private readonly agents: AgentClient) {}

  @Get()
  price(): Promise<unknown> {
    return this.agents.request({ role: 'pricing' }, PriceRequest, { amount: 21 });
  }

  @Post()
  add(@Body() body: { readonly text: string }): number {
    return body.text.length;
  }

  @MessagePattern('orders.count')
  count(): number {
    return 0;
  }
}

/** Each is made for HTTP alone: at a message it would fail. */
class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-key'] === 'secret';
  }
}

class NoBody implements PipeTransform {
  transform(body: unknown): unknown {
    if (typeof body !== 'object') throw new BadRequestException();
    return body;
  }
}

@Catch(BadRequestException)
class TeapotFilter implements ExceptionFilter {
  catch(_: unknown, host: Parameters<ExceptionFilter['catch']>[1]): void {
    host.switchToHttp().getResponse<{ status(code: number): { json(body: object): void } }>().status(418).json({});
  }
}

const wrapped = {
  intercept: (_: ExecutionContext, next: { handle(): Observable<unknown> }) =>
    next.handle().pipe(map((value) => ({ wrapped: value }))),
};

@Controller({ path: 'health', version: '1' })
class OwnHealth {
  constructor(
    private readonly check: HealthCheckService,
    private readonly agent: Health,
  ) {}

  @Get()
  @HealthCheck()
  read(): Promise<unknown> {
    return this.check.check([() => ({ shop: { status: 'up' } }), ...this.agent.indicators()]);
  }
}

interface AppParts {
  readonly controllers?: Type[];
  readonly providers?: Provider[];
  readonly imports?: (Type | DynamicModule)[];
  readonly settings?: Partial<AgentSettings>;
  readonly http?: { readonly healthPath?: string; readonly metricsPath?: string };
}

const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
let apps: INestApplication[] = [];
let ids = 0;

function moduleOf({
  controllers = [PricingAgent, OrdersController],
  providers = [],
  imports = [],
  http,
  settings: given,
}: AppParts) {
  const { hub, store } = system;
  const settings = {
    ...system.settings,
    ...given,
    agentId: `shop-${++ids}`,
    http: { ...system.settings.http, host: '127.0.0.1', port: 0, ...http },
  };
  @Module({ imports: [AgentModule.forRoot({ settings, hub, store }), ...imports], controllers, providers })
  class ShopModule {}
  return ShopModule;
}

/** An app with a `main` of its own. */
async function create(parts: AppParts = {}, logger: LoggerService | false = false): Promise<INestApplication> {
  const app = await NestFactory.create(moduleOf(parts), { logger, abortOnError: false });
  apps.push(app);
  return app;
}

async function listen(app: INestApplication): Promise<INestApplication> {
  await app.listen(0, '127.0.0.1');
  await app.startAllMicroservices();
  return app;
}

/** An app without one. Resolves when its messages flow. */
async function start<App extends INestApplication>(
  parts: AppParts,
  { nest, ...options }: StartAgentOptions<App> = {},
): Promise<App> {
  let started: App | undefined;
  await startAgent<App>(moduleOf(parts), {
    ...options,
    nest: async (app) => {
      started = app;
      apps.push(app);
      await nest?.(app);
    },
  });
  return started as App;
}

async function get(app: INestApplication, path: string, init: RequestInit = {}): Promise<[number, unknown]> {
  const answer = await fetch(`${await app.getUrl()}${path}`, init);
  const text = await answer.text();
  return [answer.status, answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text];
}

const statusOf = async (app: INestApplication, path: string): Promise<number> => (await get(app, path))[0];

/** What was logged, a line each: `level context: message`. */
function recorder(): LoggerService & { readonly lines: string[] } {
  const lines: string[] = [];
  const add =
    (level: string) =>
    (message: unknown, ...params: unknown[]): void =>
      void lines.push(
        `${level} ${String(params.at(-1))}: ${message instanceof Error ? message.stack : String(message)}`,
      );
  return { lines, log: add('log'), error: add('error'), warn: add('warn') };
}

/** The exit code of the process, which goes on. */
const exitCode = (): { code(): number | undefined } => {
  const exit = jest.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
  return { code: () => exit.mock.calls[0]?.[0] as number | undefined };
};

afterEach(async () => {
  gate.isHeld = false;
  for (const app of apps) await app.close();
  apps = [];
  jest.restoreAllMocks();
  // those of startAgent are for the whole life of a process
  process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
});
afterAll(() => system.close());

describe('an Express app with its own main', () => {
  it('keeps prefix, versions, guards, pipes, filters, interceptors and Swagger, none of which is for messages or health', async () => {
    const app = await create();
    app.setGlobalPrefix('api');
    app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
    app.useGlobalGuards(new KeyGuard());
    app.useGlobalPipes(new NoBody());
    app.useGlobalFilters(new TeapotFilter());
    app.useGlobalInterceptors(wrapped);
    SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, new DocumentBuilder().build()));
    connectAgent(app);
    await listen(app);
    const headers = { 'x-key': 'secret' };
    expect(await get(app, '/api/v1/orders', { headers })).toEqual([200, { wrapped: 42 }]);
    expect(await statusOf(app, '/api/v1/orders')).toBe(403);
    expect((await get(app, '/api/v1/orders', { method: 'POST', headers }))[0]).toBe(418);
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics', '/docs'])
      expect([path, await statusOf(app, path)]).toEqual([path, 200]);
    for (const path of ['/api/health', '/api/v1/health', '/health/', '/health/unknown', '/v1/metrics'])
      expect([path, await statusOf(app, path)]).toEqual([path, path === '/health/' ? 200 : 404]);
    const [, api] = await get(app, '/docs-json');
    expect(Object.keys((api as { paths: object }).paths)).toEqual(['/api/v1/orders']);
  });

  it('may move health and metrics, or leave them out', async () => {
    const moved = await listen(
      await create({ http: { healthPath: '/internal/health', metricsPath: '/internal/prom' } }),
    );
    const out = await listen(await create({ http: { healthPath: 'off', metricsPath: 'off' } }));
    for (const path of ['/internal/health', '/internal/health/live', '/internal/prom'])
      expect([path, await statusOf(moved, path), await statusOf(out, path)]).toEqual([path, expect.any(Number), 404]);
    expect(await statusOf(moved, '/internal/health/live')).toBe(200);
    expect(await statusOf(moved, '/internal/prom')).toBe(200);
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics'])
      expect([path, await statusOf(moved, path), await statusOf(out, path)]).toEqual([path, 404, 404]);
  });

  it('keeps a health controller of its own at the same path, which can tell of the agent', async () => {
    const logger = recorder();
    const app = await create({ controllers: [PricingAgent, OwnHealth], imports: [TerminusModule] }, logger);
    connectAgent(app);
    await listen(app);
    const up = { status: 'up' };
    expect(await get(app, '/health')).toEqual([
      200,
      expect.objectContaining({
        status: 'ok',
        details: {
          shop: up,
          agent: expect.objectContaining(up),
          message_bus: expect.objectContaining(up),
          message_store: expect.objectContaining(up),
          registry: up,
        },
      }),
    ]);
    expect(await statusOf(app, '/health/ready')).toBe(200);
    expect(logger.lines).toContainEqual(
      expect.stringMatching(/^log AgentMQ: GET \/health is the app's own: .*HTTP_HEALTH_PATH/),
    );
  });
});

describe('a Fastify app', () => {
  it('is started by startAgent with its adapter, its logger and its limits', async () => {
    const logger = recorder();
    const app = await start<NestFastifyApplication>(
      {},
      {
        adapter: new FastifyAdapter({ bodyLimit: 1_000 }),
        nest: (nest) => {
          nest.useLogger(logger);
          nest.setGlobalPrefix('api');
        },
      },
    );
    expect(await get(app, '/api/orders')).toEqual([200, 42]);
    const post = (length: number): RequestInit => ({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'x'.repeat(length) }),
    });
    expect(await get(app, '/api/orders', post(900))).toEqual([201, 900]);
    expect((await get(app, '/api/orders', post(1_001)))[0]).toBe(413);
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics'])
      expect([path, await statusOf(app, path)]).toEqual([path, 200]);
    expect((await get(app, '/health', { method: 'POST' }))[0]).toBe(404);
    expect(await statusOf(app, '/health/unknown')).toBe(404);
    expect(logger.lines).toContain('log NestFactory: Starting Nest application...');
    expect(logger.lines).toContainEqual(expect.stringMatching(/^log Server: shop-\d+ is listening as pricing$/));
  });
});

describe('an agent in an app of its own', () => {
  const held = async (app: INestApplication): Promise<Promise<unknown>> => {
    gate.isHeld = true;
    const { entered } = gate;
    const answer = app.get(AgentClient).send({ role: 'pricing' }, PriceRequest, { amount: 1 });
    await until('the handler', () => gate.entered > entered);
    return answer;
  };

  it("finishes what it handles when the app, of Nest's testing module, is closed", async () => {
    const tested = await Test.createTestingModule({ imports: [moduleOf({})] }).compile();
    const app = tested.createNestApplication({ logger: false });
    apps.push(app);
    connectAgent(app, { shutdownHooks: false });
    const listeners = process.listenerCount('SIGTERM');
    await listen(app);
    expect(process.listenerCount('SIGTERM')).toBe(listeners);
    await held(app);
    const { left } = gate;
    const closed = app.close();
    gate.isHeld = false;
    await closed;
    expect(gate.left).toBe(left + 1);
  });

  it('finishes what it handles at SIGTERM, and the process ends with exit code 0', async () => {
    const app = await create();
    connectAgent(app);
    await listen(app);
    const exit = exitCode();
    await held(app);
    const { left } = gate;
    process.emit('SIGTERM', 'SIGTERM');
    gate.isHeld = false;
    await until('the end', () => exit.code() !== undefined);
    expect(exit.code()).toBe(0);
    expect(gate.left).toBe(left + 1);
  });
});

describe('an agent that waits for its broker', () => {
  it('is stopped by SIGTERM as one that listens: the start has not failed', async () => {
    const away = 'amqp://127.0.0.1:1';
    const bus = Object.assign(new BrokerSettings(), { type: 'rabbitmq', amqpUrls: [away] });
    const app = await create({ settings: { start: 'wait', bus } });
    connectAgent(app);
    await app.listen(0, '127.0.0.1');
    const started = app.startAllMicroservices();
    expect(await statusOf(app, '/health/live')).toBe(200);
    const exit = exitCode();
    process.emit('SIGTERM', 'SIGTERM');
    await started;
    await until('the end', () => exit.code() !== undefined);
    expect(exit.code()).toBe(0);
  });
});

describe('what is wrong is told at the start', () => {
  class Broken {
    constructor() {
      throw Object.assign(new Error('no licence'), { code: 'NO_LICENCE' });
    }
  }

  @Agent({ role: 'mistaken' })
  class MistakenAgent {
    @MessagePattern('sum')
    sum(): number {
      return 0;
    }
  }

  it('AgentModule is missing, or the agent is connected or started twice', async () => {
    const none = await NestFactory.create(class EmptyModule {}, { logger: false });
    expect(() => connectAgent(none)).toThrow(/does not import AgentModule/);
    const app = await create();
    connectAgent(app);
    expect(() => connectAgent(app)).toThrow(/called twice/);
    await listen(app);
    await expect(app.startAllMicroservices()).rejects.toThrow(/started twice/);
    expect(await get(app, '/orders')).toEqual([200, '42']);
  });

  it("a method of an agent's class is for no transport", async () => {
    const app = await create({ controllers: [MistakenAgent] });
    connectAgent(app);
    await expect(listen(app)).rejects.toThrow(/"sum" of MistakenAgent is declared with neither @Handle nor @Subscribe/);
  });

  it('messages are handled before the app is ready', async () => {
    const logger = recorder();
    const app = await create({}, logger);
    connectAgent(app);
    await app.startAllMicroservices();
    expect(logger.lines).toContainEqual(expect.stringMatching(/^warn AgentMQ: .*call app\.listen\(\) before/));
  });

  it.each([
    ['a provider', { providers: [Broken] }],
    [
      'onModuleInit',
      {
        providers: [
          {
            provide: Broken,
            useValue: { onModuleInit: () => Promise.reject(new Error('no licence')) } satisfies OnModuleInit,
          },
        ],
      },
    ],
  ])('%s of the app fails: it is told once, as it is, and the process ends', async (_, parts) => {
    const logger = recorder();
    const exit = exitCode();
    await startAgent(moduleOf(parts), { logger });
    expect(exit.code()).toBe(1);
    const errors = logger.lines.filter((line) => line.startsWith('error'));
    expect(errors).toEqual([expect.stringMatching(/^error AgentMQ: Error: no licence\n {4}at /)]);
  });

  it('a setting is wrong', async () => {
    const logger = recorder();
    const exit = exitCode();
    const stderr = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    @Module({ imports: [AgentModule.forRootAsync({ useFactory: () => ({}) })] })
    class WrongModule {}
    process.env['HTTP_HEALTH_PATH'] = 'health';
    try {
      await startAgent(WrongModule, { logger });
    } finally {
      delete process.env['HTTP_HEALTH_PATH'];
    }
    expect(exit.code()).toBe(1);
    expect(logger.lines.filter((line) => line.startsWith('error'))).toEqual([
      'error AgentMQ: SettingsError: invalid settings:',
    ]);
    expect(stderr.mock.calls.join('')).toMatch(/^ {2}HTTP_HEALTH_PATH: must be a path such as/);
  });
});
