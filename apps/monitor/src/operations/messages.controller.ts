import { Get, Param } from '@nestjs/common';
import { ContractCatalogue } from 'agentmq/protocol';
import { HistoryStore, Store } from 'agentmq/message-store';
import { readTrace, type Trace } from 'agentmq/messaging';
import { MessageNotFoundError } from './errors.js';
import { OperationsController } from './operations.js';
import { type MessageView, messageView } from './views.js';

/** Messages, and what came of them. */
@OperationsController('messages')
export class MessagesController {
  constructor(
    private readonly history: HistoryStore,
    private readonly contracts: ContractCatalogue,
  ) {}

  @Get(':id')
  async read(@Param('id') id: string): Promise<MessageView> {
    const stored = await this.history.find(id);
    if (!stored) throw new MessageNotFoundError(id);
    return messageView(stored, this.contracts);
  }
}

/** Flows of messages. */
@OperationsController('traces')
export class TracesController {
  constructor(private readonly store: Store) {}

  /** By the trace's id, or by that of one of its messages. */
  @Get(':id')
  read(@Param('id') id: string): Promise<Trace> {
    return readTrace(this.store, id);
  }
}
