import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  ForbiddenException,
  Get,
  HttpException,
  type INestApplication,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestInterceptor,
  type NestMiddleware,
  type NestModule,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, BaseExceptionFilter, NestFactory } from '@nestjs/core';
import { BaseRpcExceptionFilter, Payload } from '@nestjs/microservices';
import { Agent, AgentClient, AgentModule, AgentServer, Ctx, Handle, MessageContext, Subscribe } from 'agentmq/agent';
import { Contract, RemoteError } from 'agentmq/protocol';
import { IsInt, IsString } from 'class-validator';
import { map, type Observable, of, throwError } from 'rxjs';
import { testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

@Contract({ type: 'guarded' })
class Guarded {
  @IsString()
  user!: string;
}

@Contract({ type: 'piped' })
class Piped {
  @IsInt()
  value!: number;
}

@Contract({ type: 'intercepted' })
class Intercepted {
  @IsInt()
  value!: number;
}

@Contract({ type: 'filtered' })
class Filtered {
  @IsString()
  text!: string;
}

@Contract({ type: 'failing' })
class Failing {
  @IsString()
  text!: string;
}

@Contract({ type: 'context' })
class ContextPayload {
  @IsString()
  text!: string;
}

@Contract({ type: 'tick' })
class Tick {
  @IsString()
  symbol!: string;
}

@Contract({ type: 'plain' })
class Plain {
  @IsInt()
  value!: number;
}

@Contract({ type: 'plain_later' })
class PlainLater {
  @IsInt()
  value!: number;
}

@Contract({ type: 'plain_part' })
class PlainPart {
  @IsInt()
  value!: number;
}

@Contract({ type: 'plain_then' })
class PlainThen {
  @IsInt()
  value!: number;
}

@Contract({ type: 'plain_then_later' })
class PlainThenLater {
  @IsInt()
  value!: number;
}

class OnlyAlice implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const rpc = context.switchToRpc();
    return rpc.getData<Guarded>().user === 'alice' && rpc.getContext<MessageContext>().message.type === 'guarded';
  }
}

class Doubled implements PipeTransform<Piped, Piped> {
  transform(payload: Piped): Piped {
    return { value: payload.value * 2 };
  }
}

@Injectable()
class Wrapped implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: unknown) => ({ wrapped: value })));
  }
}

class DomainError extends Error {}

@Catch(DomainError)
class DomainFilter implements ExceptionFilter<DomainError> {
  catch(error: DomainError, _: ArgumentsHost): Observable<never> {
    return throwError(() => ({ code: 'DOMAIN', message: `filtered: ${error.message}` }));
  }
}

/** As an app writes it for HTTP: it fails at a message, which has no response. */
@Catch()
class HttpFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const status = error instanceof HttpException ? error.getStatus() : 500;
    host.switchToHttp().getResponse<{ status(code: number): { json(body: object): void } }>().status(status).json({});
  }
}

@Catch()
class AsyncFilter implements ExceptionFilter {
  async catch(): Promise<never> {
    await Promise.resolve();
    throw new Error('the filter has failed');
  }
}

@Catch()
class LoggingFilter implements ExceptionFilter {
  catch(): void {}
}

@Catch()
class CatchAllFilter extends BaseRpcExceptionFilter {}

@Catch()
class AnsweringFilter implements ExceptionFilter {
  catch(): string {
    return 'a default';
  }
}

@Contract({ type: 'badly_filtered' })
class BadlyFiltered {
  @IsString()
  text!: string;
}

@Contract({ type: 'forgiven' })
class Forgiven {
  @IsString()
  text!: string;
}

const outOfStock = (text: string): Error =>
  Object.assign(new Error(text), { code: 'OUT_OF_STOCK', retryable: true, sku: 'A-1' });
const toldOutOfStock = { name: 'Error', code: 'OUT_OF_STOCK', message: 'none left', retryable: true };

/** One agent for each filter that is no good for messages. */
const badFilters = { HttpFilter, AsyncFilter, LoggingFilter, CatchAllFilter };
const badlyFiltered = Object.entries(badFilters).map(([name, Filter]) => {
  @Agent({ role: name })
  @UseFilters(Filter)
  class BadlyFilteredAgent {
    @Handle(BadlyFiltered)
    @UseInterceptors(Wrapped)
    intercepted({ text }: BadlyFiltered): never {
      throw outOfStock(text);
    }

    @Handle(Failing)
    failing({ text }: Failing): never {
      throw outOfStock(text);
    }
  }
  return { name, BadlyFilteredAgent };
});

const ticks: string[] = [];

@Agent({ role: 'pipeline' })
class PipelineAgent {
  private readonly title = 'of the pipeline';

  @Handle(Guarded)
  @UseGuards(OnlyAlice)
  guarded({ user }: Guarded): string {
    return `welcome ${user}`;
  }

  @Handle(Piped)
  @UsePipes(Doubled)
  piped({ value }: Piped): number {
    return value;
  }

  @Handle(Intercepted)
  @UseInterceptors(Wrapped)
  intercepted({ value }: Intercepted): number {
    return value;
  }

  @Handle(Filtered)
  @UseFilters(DomainFilter)
  filtered({ text }: Filtered): never {
    throw new DomainError(text);
  }

  @Handle(Failing)
  failing({ text }: Failing): never {
    throw outOfStock(text);
  }

  @Handle(Forgiven)
  @UseFilters(AnsweringFilter)
  forgiven({ text }: Forgiven): never {
    throw outOfStock(text);
  }

  @Handle(ContextPayload)
  context(payload: ContextPayload, @Ctx() context: MessageContext): object {
    const { sender, recipient, type } = context.message;
    return { text: payload.text, isInstance: payload instanceof ContextPayload, sender, recipient, type };
  }

  @Handle(Plain)
  plain({ value }: Plain): Observable<number> {
    return of(value, value + 1);
  }

  @Handle(PlainLater)
  plainLater({ value }: PlainLater): Promise<Observable<number>> {
    return Promise.resolve(of(value + 2));
  }

  @Handle(PlainPart)
  plainPart(@Ctx() context: MessageContext, @Payload('value') value: number): string {
    return `${value} of ${context.message.type}, ${this.title}`;
  }

  @Handle(PlainThen)
  plainThen({ value }: PlainThen): PromiseLike<number> {
    // oxlint-disable-next-line unicorn/no-thenable -- as query builders return it
    return { then: (resolve) => Promise.resolve(value + 3).then(resolve) };
  }

  @Handle(PlainThenLater)
  plainThenLater({ value }: PlainThenLater): PromiseLike<Observable<number>> {
    // oxlint-disable-next-line unicorn/no-thenable -- as query builders return it
    return { then: (resolve) => Promise.resolve(of(value + 4)).then(resolve) };
  }

  @Subscribe('ticks.*', Tick)
  tick(tick: Tick, @Ctx() context: MessageContext): void {
    ticks.push(`${context.consumer} ${tick.symbol}`);
  }
}

@Agent({ role: 'caller' })
class CallerAgent {}

describe.each(['in_memory', testBus.name])("a handler runs through Nest's pipeline (%s)", (busType) => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
  const to = { role: 'pipeline' };
  let agents: AgentClient;

  beforeAll(async () => {
    await system.start({ id: 'pipeline-1', controllers: [PipelineAgent], providers: [OnlyAlice, Doubled, Wrapped] });
    const caller = await system.start({ id: 'caller-1', controllers: [CallerAgent] });
    agents = caller.get(AgentClient);
  });
  afterAll(() => system.close());

  it('a guard lets pass or refuses', async () => {
    expect(await agents.request(to, Guarded, { user: 'alice' })).toBe('welcome alice');
    await expect(agents.request(to, Guarded, { user: 'bob' })).rejects.toThrow(/Forbidden/);
  });

  it('a pipe transforms the payload', async () => {
    expect(await agents.request(to, Piped, { value: 21 })).toBe(42);
  });

  it('an interceptor transforms the answer', async () => {
    expect(await agents.request(to, Intercepted, { value: 7 })).toEqual({ wrapped: 7 });
  });

  it('an exception filter decides what the requester is told', async () => {
    await expect(agents.request(to, Filtered, { text: 'x' })).rejects.toMatchObject({
      code: 'DOMAIN',
      message: 'filtered: x',
    });
  });

  it('an error without a filter reaches the requester with its code, and whether to try again', async () => {
    const error = await agents.request(to, Failing, { text: 'none left' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect((error as RemoteError).remote).toEqual(toldOutOfStock);
  });

  it('what an exception filter returns is the answer', async () => {
    expect(await agents.request(to, Forgiven, { text: 'none left' })).toBe('a default');
  });

  it('the payload is an instance of its contract, and the context tells the envelope', async () => {
    expect(await agents.request(to, ContextPayload, { text: 'hi' })).toEqual({
      text: 'hi',
      isInstance: true,
      sender: 'caller-1',
      recipient: { kind: 'role', name: 'pipeline' },
      type: 'context',
    });
  });

  it('a method with nothing around it gets what its parameters ask for, and answers with what its result comes to', async () => {
    expect(await agents.request(to, Plain, { value: 1 })).toBe(2);
    expect(await agents.request(to, PlainLater, { value: 1 })).toBe(3);
    expect(await agents.request(to, PlainPart, { value: 7 })).toBe('7 of plain_part, of the pipeline');
    expect(await agents.request(to, PlainThen, { value: 1 })).toBe(4);
    expect(await agents.request(to, PlainThenLater, { value: 1 })).toBe(5);
  });

  it('a subscriber gets payload and context', async () => {
    ticks.length = 0;
    await agents.publish('ticks.AAPL', Tick, { symbol: 'AAPL' });
    await until('the tick', () => ticks.length > 0);
    expect(ticks).toEqual(['role.pipeline AAPL']);
  });
});

describe('an exception filter that tells nothing of the error does not replace it', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
  let agents: AgentClient;

  beforeAll(async () => {
    for (const { name, BadlyFilteredAgent } of badlyFiltered)
      await system.start({ id: name, controllers: [BadlyFilteredAgent], providers: [Wrapped] });
    agents = (await system.start({ id: 'caller-2', controllers: [CallerAgent] })).get(AgentClient);
  });
  afterAll(() => system.close());

  it.each(Object.keys(badFilters))('%s', async (role) => {
    for (const contract of [Failing, BadlyFiltered]) {
      const error = await agents.request({ role }, contract, { text: 'none left' }).catch((thrown: unknown) => thrown);
      expect((error as RemoteError).remote).toEqual(toldOutOfStock);
    }
  });
});

/** Reads a header of the request, as a guard of an app's HTTP routes does. */
@Injectable()
class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<IncomingMessage>().headers['x-key'] === 'secret';
  }
}

@Injectable()
class NoBots implements NestMiddleware {
  use(request: IncomingMessage, _: unknown, next: () => void): void {
    if (request.headers['user-agent']?.includes('bot')) throw new ForbiddenException();
    next();
  }
}

@Catch()
class CatchAllHttpFilter extends BaseExceptionFilter {}

class RefuseAll implements PipeTransform {
  transform(): never {
    throw new Error('a pipe for HTTP');
  }
}

@Controller('orders')
class OrdersController {
  @Get()
  all(): string[] {
    return ['A-1'];
  }
}

describe.each([
  ['an app with HTTP', { inheritAppConfig: true }],
  ['an app with HTTP that does not share its configuration', {}],
])('what is global in %s', (_, hybrid) => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
  let app: INestApplication;
  let agents: AgentClient;

  const get = async (path: string, headers: Record<string, string> = {}): Promise<[number, string | null, string]> => {
    const answer = await fetch(`${await app.getUrl()}${path}`, { headers });
    return [answer.status, answer.headers.get('content-type'), await answer.text()];
  };

  beforeAll(async () => {
    const { settings, hub, store } = system;
    @Module({
      imports: [AgentModule.forRoot({ settings: { ...settings, agentId: 'shop-1' }, hub, store })],
      controllers: [PipelineAgent, OrdersController],
      providers: [
        OnlyAlice,
        Doubled,
        Wrapped,
        { provide: APP_GUARD, useClass: KeyGuard },
        { provide: APP_FILTER, useClass: CatchAllHttpFilter },
        { provide: APP_INTERCEPTOR, useClass: Wrapped },
        { provide: APP_PIPE, useClass: RefuseAll },
      ],
    })
    class ShopModule implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer.apply(NoBots).forRoutes('{*path}');
      }
    }
    app = await NestFactory.create(ShopModule, { logger: false, abortOnError: false });
    app.connectMicroservice({ strategy: app.get(AgentServer) }, hybrid);
    await app.listen(0, '127.0.0.1');
    await app.startAllMicroservices();
    agents = app.get(AgentClient);
  });
  afterAll(async () => {
    await app.close();
    await system.close();
  });

  it('is for its own routes', async () => {
    expect(await get('/orders')).toMatchObject([403, expect.anything(), expect.anything()]);
    expect(await get('/orders', { 'x-key': 'secret' })).toMatchObject([200, expect.anything(), '{"wrapped":["A-1"]}']);
    expect((await get('/orders', { 'x-key': 'secret', 'user-agent': 'a bot' }))[0]).toBe(403);
  });

  it('is not for messages: what the agent declares is', async () => {
    const to = { role: 'pipeline' };
    expect(await agents.request(to, Guarded, { user: 'alice' })).toBe('welcome alice');
    expect(await agents.request(to, Piped, { value: 21 })).toBe(42);
    expect(await agents.request(to, Intercepted, { value: 7 })).toEqual({ wrapped: 7 });
    const error = await agents.request(to, Failing, { text: 'none left' }).catch((thrown: unknown) => thrown);
    expect((error as RemoteError).remote).toEqual(toldOutOfStock);
  });

  it('is not for health and metrics', async () => {
    for (const path of ['/health', '/health/live', '/health/ready']) {
      const [status, type, body] = await get(path, { 'user-agent': 'a bot' });
      expect([status, type]).toEqual([200, 'application/json; charset=utf-8']);
      expect(JSON.parse(body)).toMatchObject({ status: 'ok', details: {} });
    }
    const [status, type, body] = await get('/metrics');
    expect([status, type]).toEqual([200, expect.stringMatching(/^text\/plain/)]);
    expect(body).toMatch(/^agentmq_messages_sent_total\{/m);
    expect((await get('/health/unknown'))[0]).toBe(404);
  });
});

const early: string[] = [];

@Agent({ role: 'early' })
class EarlyAgent implements OnModuleInit, OnApplicationBootstrap {
  private readonly sent: Promise<unknown>;

  constructor(private readonly agents: AgentClient) {
    this.sent = agents.send({ role: 'early' }, Tick, { symbol: 'of the constructor' });
  }

  async onModuleInit(): Promise<void> {
    await this.sent;
    await this.agents.send({ role: 'early' }, Tick, { symbol: 'of onModuleInit' });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.agents.publish('ticks.early', Tick, { symbol: 'of onApplicationBootstrap' });
    early.push(String(await this.agents.request({ role: 'pipeline' }, Piped, { value: 1 })));
  }

  @Handle(Tick)
  handle({ symbol }: Tick): void {
    early.push(symbol);
  }
}

describe.each(['in_memory', testBus.name])('an app may send before its agent listens (%s)', (busType) => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: busType });
  afterAll(() => system.close());

  it('whatever the hook: durable messages are stored, a request is answered', async () => {
    await system.start({ id: 'pipeline-2', controllers: [PipelineAgent], providers: [OnlyAlice, Doubled, Wrapped] });
    early.length = ticks.length = 0;
    await system.start({ id: 'early-1', controllers: [EarlyAgent] });
    await until('all of them', () => early.length === 3 && ticks.length === 1);
    expect(early.sort()).toEqual(['2', 'of onModuleInit', 'of the constructor']);
    expect(ticks).toEqual(['role.pipeline of onApplicationBootstrap']);
  });

  it('and a store that is away is named, when the start is to fail then', async () => {
    const databaseUrl = 'postgres://postgres@127.0.0.1:1/none';
    const starting = system.start({ id: 'early-2', controllers: [EarlyAgent], databaseUrl });
    await expect(starting).rejects.toThrow(/^the database is not available: .*ECONNREFUSED/);
  });
});
