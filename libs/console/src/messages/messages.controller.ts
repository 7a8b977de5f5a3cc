import { Get, Param, Query } from '@nestjs/common';
import {
  type Explanation,
  Explainer,
  type MessageRow,
  Messages,
  type MessageView,
  type Page,
} from 'agentmq/operations';
import { OperationsController } from '../operations.js';
import { MessagesQuery, searchOf } from './search-query.js';

/** Messages, and what came of them. */
@OperationsController('messages')
export class MessagesController {
  constructor(
    private readonly messages: Messages,
    private readonly explainer: Explainer,
  ) {}

  /** Newest first, without payloads. A page may hold fewer than `limit`, and none, though there is a `next`. */
  @Get()
  search(@Query() query: MessagesQuery): Promise<Page<MessageRow>> {
    return this.messages.search(searchOf(query));
  }

  @Get(':id')
  read(@Param('id') id: string): Promise<MessageView> {
    return this.messages.read(id);
  }

  /** Why it has, or has not, been handled, at each consumer that is owed it; also of one that is not stored. */
  @Get(':id/explanation')
  async explain(@Param('id') id: string): Promise<{ readonly items: readonly Explanation[] }> {
    return { items: await this.explainer.explain(id) };
  }
}
