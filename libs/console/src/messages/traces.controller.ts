import { Get, Param } from '@nestjs/common';
import { Store } from 'agentmq/message-store';
import { readTrace, type Trace } from 'agentmq/messaging';
import { OperationsController } from '../operations.js';

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
