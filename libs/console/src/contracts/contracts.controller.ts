import { Get } from '@nestjs/common';
import { type ContractRow, Contracts, type Page } from 'agentmq/operations';
import { OperationsController } from '../operations.js';

/** What messages there are. */
@OperationsController('contracts')
export class ContractsController {
  constructor(private readonly contracts: Contracts) {}

  /** All of them on one page, by type and version. */
  @Get()
  async list(): Promise<Page<ContractRow>> {
    return { items: await this.contracts.list() };
  }
}
