import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { Handle, type HandlerOptions } from 'agentmq/agent';
import { VoteRequest } from './messages.js';
import { mergeMap, type Observable } from 'rxjs';
import { Consensus } from './consensus.js';
import type { Ballot } from './proposal.js';

/** Casts what a `@Vote` method has returned. */
@Injectable()
export class VoteInterceptor implements NestInterceptor<Ballot | undefined, void> {
  constructor(private readonly consensus: Consensus) {}

  intercept(context: ExecutionContext, next: CallHandler<Ballot | undefined>): Observable<void> {
    const request = context.switchToRpc().getData<VoteRequest>();
    return next.handle().pipe(
      mergeMap(async (ballot) => {
        if (ballot) await this.consensus.cast(request, ballot);
      }),
    );
  }
}

/**
 * Votes for this agent: the method gets each `VoteRequest` that is sent to it, and returns a `Ballot`; undefined for not
 * now, it may call `Consensus.vote` later. What it throws fails the request, which is tried again as any message is.
 * A process that dies after the vote and before the request is completed votes twice, which is on record and counted once;
 * with `transactional` it is the same commit, for methods that are quick.
 */
export function Vote(options: HandlerOptions = {}): MethodDecorator {
  return applyDecorators(Handle(VoteRequest, options), UseInterceptors(VoteInterceptor));
}
