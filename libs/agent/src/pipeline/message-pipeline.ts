import { Injectable, type Type } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import {
  GuardsConsumer,
  GuardsContextCreator,
  Injector,
  InterceptorsConsumer,
  InterceptorsContextCreator,
  NoopGraphInspector,
  PipesConsumer,
  PipesContextCreator,
} from '@nestjs/core/internal';
import { ClientProxyFactory, type MessageHandler, type Server } from '@nestjs/microservices';
import { ClientsContainer } from '@nestjs/microservices/container.js';
import { RpcProxy } from '@nestjs/microservices/context/rpc-proxy.js';
import { ListenersController } from '@nestjs/microservices/listeners-controller.js';
import { DirectCalls } from './direct-calls.js';
import { MessageFilters } from './message-filters.js';

/** The transport of `@Handle` and `@Subscribe`: no server that Nest connects takes their methods. */
export const AGENT_MESSAGES = Symbol('agentmq:messages');

/** A method that handles messages, within the guards, pipes, interceptors and filters of its class and its own. */
export interface PipelineHandler {
  readonly pattern: string;
  readonly extras: Record<string, unknown>;
  readonly handler: MessageHandler;
  /** The controller that declares it. */
  readonly declaredBy: Type;
}

/**
 * Builds Nest's pipeline for the methods that handle messages. It is Nest's own, with two differences, for which Nest has no
 * option: what is global in the app (`APP_GUARD`, `useGlobalFilters`, …) is made for HTTP and does not apply, however the app
 * was started; and an exception filter can't lose the handler's error, see {@link MessageFilters}.
 */
@Injectable()
export class MessagePipeline {
  constructor(private readonly modules: ModulesContainer) {}

  /** The handlers of all controllers. Call it once they are instantiated. */
  handlers(): PipelineHandler[] {
    const found: PipelineHandler[] = [];
    const listeners = this.listeners();
    for (const [key, { controllers }] of this.modules) {
      for (const controller of controllers.values()) {
        const declaredBy = controller.metatype as Type;
        const collector = {
          transportId: AGENT_MESSAGES,
          addHandler: (pattern: string, handler: MessageHandler, _isEvent = false, extras = {}): void => {
            found.push({ pattern, extras, handler, declaredBy });
          },
        };
        listeners?.registerPatternHandlers(controller, collector as unknown as Server, key);
      }
    }
    return found;
  }

  /** As Nest's `MicroservicesModule` composes it, with a configuration in which nothing is global. */
  private listeners(): ListenersController | undefined {
    const [anyModule] = this.modules.values();
    if (!anyModule) return undefined;
    const container = anyModule['container'];
    const config = new ApplicationConfig();
    const filters = new MessageFilters(container, config);
    const contexts = new DirectCalls(
      new RpcProxy(),
      filters,
      new PipesContextCreator(container, config),
      new PipesConsumer(),
      new GuardsContextCreator(container, config),
      new GuardsConsumer(),
      new InterceptorsContextCreator(container, config),
      new InterceptorsConsumer(),
      config,
    );
    return new ListenersController(
      new ClientsContainer(),
      contexts,
      container,
      new Injector(),
      ClientProxyFactory,
      filters,
      NoopGraphInspector,
    );
  }
}
