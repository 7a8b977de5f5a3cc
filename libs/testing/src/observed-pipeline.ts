import type { ModulesContainer } from '@nestjs/core';
import { MessageContext, MessagePipeline, type PipelineHandler } from 'agentmq/agent';
import type { PayloadClass } from 'agentmq/protocol';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Journal } from './journal.js';

/** Nest's pipeline of one app, which notes what its handlers took and returned. */
export class ObservedPipeline extends MessagePipeline {
  constructor(
    modules: ModulesContainer,
    private readonly journal: Journal,
    private readonly agent: () => string,
  ) {
    super(modules);
  }

  override handlers(): PipelineHandler[] {
    return super.handlers().map((declared) => ({ ...declared, handler: this.observed(declared) }));
  }

  private observed({ handler, extras }: PipelineHandler): PipelineHandler['handler'] {
    const contract = extras['contract'] as PayloadClass | undefined;
    if (!contract) return handler;
    const run = async (payload: object, context: MessageContext): Promise<unknown> => {
      const returned: unknown = await handler(payload, context);
      const answer = isObservable(returned) ? await lastValueFrom(returned, { defaultValue: undefined }) : returned;
      const { message, consumer } = context;
      this.journal.handled({ message, contract, payload, agent: this.agent(), consumer, answer });
      return answer;
    };
    return run as PipelineHandler['handler'];
  }
}
