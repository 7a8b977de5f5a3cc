import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { callerOf } from 'agentmq/http';
import type { Actor } from 'agentmq/operations';

/** The caller of a request, as the audit names it: `@By() actor: Actor`. */
export const By = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const { name, via } = callerOf(context.switchToHttp().getRequest<object>());
  return { name, via };
});
