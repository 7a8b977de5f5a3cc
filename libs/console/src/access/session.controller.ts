import { Body, Delete, HttpCode, Post, Req, Res } from '@nestjs/common';
import { Access, type HttpRequest, Needs } from 'agentmq/http';
import { IsString, Length } from 'class-validator';
import { OperationsController } from '../operations.js';
import type { Me } from './me.controller.js';

/** The body of `POST /session`. */
class SessionRequest {
  @IsString()
  @Length(1, 8_192)
  token!: string;
}

type PageRequest = HttpRequest & { readonly protocol?: string };
interface HeaderSetter {
  setHeader(name: string, value: string): void;
}

/** Sessions of the page: a cookie in place of a token, which a page should not keep. */
@OperationsController('session')
export class SessionController {
  constructor(private readonly access: Access) {}

  /** Begins a session with a token; 401 if the token is not known. */
  @Needs('none')
  @Post()
  @HttpCode(200)
  async begin(
    @Body() { token }: SessionRequest,
    @Req() { protocol }: PageRequest,
    @Res({ passthrough: true }) response: HeaderSetter,
  ): Promise<Me> {
    const { caller, cookie } = await this.access.begin(token, protocol === 'https');
    response.setHeader('Set-Cookie', cookie);
    const { name, roles, anonymous } = caller;
    return { name, roles, anonymous };
  }

  /** Ends the caller's session, if it has one. */
  @Needs('none')
  @Delete()
  @HttpCode(204)
  async end(@Req() request: PageRequest, @Res({ passthrough: true }) response: HeaderSetter): Promise<void> {
    response.setHeader('Set-Cookie', await this.access.end(request, request.protocol === 'https'));
  }
}
