import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Access } from './access.js';
import { type HttpRequest, isReading } from './http-request.js';
import { Needs } from './needs.js';

/** Lets a request to one of our endpoints pass, or throws why not. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly access: Access,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const needed = this.reflector.get(Needs, context.getHandler()) ?? (isReading(request) ? 'viewer' : 'operator');
    if (needed === 'none') this.access.check(request);
    else await this.access.admit(request, needed);
    return true;
  }
}
