import { CUSTOM_ROUTE_ARGS_METADATA } from '@nestjs/common/internal';
import { STATIC_CONTEXT } from '@nestjs/core/internal';
import { PARAM_ARGS_METADATA } from '@nestjs/microservices/constants.js';
import { RpcContextCreator } from '@nestjs/microservices/context/rpc-context-creator.js';
import { DEFAULT_CALLBACK_METADATA } from '@nestjs/microservices/context/rpc-metadata-constants.js';
import { filtersOf } from './message-filters.js';

type Create = RpcContextCreator['create'];

/**
 * Builds Nest's pipeline for a method, once. A method without guards, pipes, interceptors, filters and arguments of its own
 * making, in a class that is made once, is called directly: Nest's pipeline makes some ten promises for each call.
 */
export class DirectCalls extends RpcContextCreator {
  override create(...given: Parameters<Create>): ReturnType<Create> {
    return this.isPlain(...given) ? this.direct(...given) : super.create(...given);
  }

  private isPlain(...given: Parameters<Create>): boolean {
    const [instance, method, moduleKey, name, contextId = STATIC_CONTEXT, inquirerId] = given;
    if (contextId !== STATIC_CONTEXT) return false;
    const around = [this['guardsContextCreator'], this['pipesContextCreator'], this['interceptorsContextCreator']];
    const filters = this['exceptionFiltersContext'].create(instance, method, moduleKey, contextId, inquirerId);
    return (
      around.every((each) => each.create(instance, method, moduleKey, contextId, inquirerId).length === 0) &&
      filtersOf(filters).length === 0 &&
      Object.entries(this.argumentsOf(instance, name)).every(
        ([key, { pipes, schema }]) =>
          !key.includes(CUSTOM_ROUTE_ARGS_METADATA) && (pipes ?? []).length === 0 && schema === undefined,
      )
    );
  }

  private direct(...[instance, method, moduleKey, name]: Parameters<Create>): ReturnType<Create> {
    const { getParamsMetadata } = this.getMetadata(instance, name, DEFAULT_CALLBACK_METADATA, 'rpc');
    const parameters = getParamsMetadata(moduleKey);
    return (...received) => {
      const given: unknown[] = [];
      for (const { index, extractValue } of parameters) given[index] = extractValue(...received);
      return method.apply(instance, given) as unknown as ReturnType<ReturnType<Create>>;
    };
  }

  private argumentsOf(instance: object, name: string): Record<string, Argument> {
    const declared: unknown = this['contextUtils'].reflectCallbackMetadata(instance, name, PARAM_ARGS_METADATA);
    return (declared ?? {}) as Record<string, Argument>;
  }
}

/** What Nest's decorators keep of one parameter. */
interface Argument {
  readonly pipes?: readonly unknown[];
  readonly schema?: unknown;
}
