import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { Agent, AgentClient, Ctx, Handle, MessageContext, Subscribe } from 'agentmq/agent';
import { Contract, RemoteError } from 'agentmq/contracts';
import { IsInt, IsString } from 'class-validator';
import { map, type Observable, throwError } from 'rxjs';
import { until } from '../support/index.js';
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

const ticks: string[] = [];

@Agent({ role: 'pipeline' })
class PipelineAgent {
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
    throw Object.assign(new Error(text), { code: 'OUT_OF_STOCK', retryable: true, sku: 'A-1' });
  }

  @Handle(ContextPayload)
  context(payload: ContextPayload, @Ctx() context: MessageContext): object {
    const { sender, recipient, type } = context.message;
    return { text: payload.text, isInstance: payload instanceof ContextPayload, sender, recipient, type };
  }

  @Subscribe('ticks.*', Tick)
  tick(tick: Tick, @Ctx() context: MessageContext): void {
    ticks.push(`${context.consumer} ${tick.symbol}`);
  }
}

@Agent({ role: 'caller' })
class CallerAgent {}

describe.each(['in_memory', 'rabbitmq'])("a handler runs through Nest's pipeline (%s)", (busType) => {
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
    expect((error as RemoteError).remote).toEqual({
      name: 'Error',
      code: 'OUT_OF_STOCK',
      message: 'none left',
      retryable: true,
    });
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

  it('a subscriber gets payload and context', async () => {
    ticks.length = 0;
    await agents.publish('ticks.AAPL', Tick, { symbol: 'AAPL' });
    await until('the tick', () => ticks.length > 0);
    expect(ticks).toEqual(['role.pipeline AAPL']);
  });
});
