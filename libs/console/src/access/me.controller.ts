import { Get, Req } from '@nestjs/common';
import { callerOf, type Role } from 'agentmq/http';
import { OperationsController } from '../operations.js';

/** The caller, as it is known. */
export interface Me {
  readonly name: string;
  readonly roles: readonly Role[];
  /** No token is needed here. */
  readonly anonymous: boolean;
}

@OperationsController('me')
export class MeController {
  @Get()
  me(@Req() request: object): Me {
    const { name, roles, anonymous } = callerOf(request);
    return { name, roles, anonymous };
  }
}
