import { Get, Param } from '@nestjs/common';
import { ContractCatalogue } from 'agentmq/contracts';
import { MessageStore } from 'agentmq/message-store';
import { MessageNotFoundError } from './errors.js';
import { OperationsController } from './operations.js';
import { type MessageView, messageView } from './views.js';
import { type TraceNode, traceTree } from './trace-tree.js';

export interface CausedMessage extends MessageView {
  readonly caused: readonly CausedMessage[];
}

export interface TraceView {
  readonly traceId: string;
  readonly messages: number;
  /** There are more messages than these. */
  readonly truncated: boolean;
  readonly roots: readonly CausedMessage[];
}

/** Messages, and what came of them. */
@OperationsController('messages')
export class MessagesController {
  constructor(
    private readonly store: MessageStore,
    private readonly contracts: ContractCatalogue,
  ) {}

  @Get(':id')
  async read(@Param('id') id: string): Promise<MessageView> {
    const stored = await this.store.find(id);
    if (!stored) throw new MessageNotFoundError(id);
    return messageView(stored, this.contracts);
  }
}

/** Flows of messages. */
@OperationsController('traces')
export class TracesController {
  constructor(
    private readonly store: MessageStore,
    private readonly contracts: ContractCatalogue,
  ) {}

  /** By the trace's id, or by that of one of its messages: each message with those that it caused. */
  @Get(':id')
  async read(@Param('id') id: string): Promise<TraceView> {
    const { roots, ...rest } = await traceTree(this.store, id, true);
    return { ...rest, roots: roots.map((root) => causedView(root, this.contracts)) };
  }
}

const causedView = ({ stored, caused }: TraceNode, contracts: ContractCatalogue): CausedMessage => ({
  ...messageView(stored, contracts),
  caused: caused.map((each) => causedView(each, contracts)),
});
