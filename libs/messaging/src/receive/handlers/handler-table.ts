import {
  type ContractDefinition,
  contractTaking,
  type Message,
  type RetryPolicy,
  retryPolicy,
  topicMatches,
  versionsTaken,
} from 'agentmq/protocol';
import type { MessageBusOptions } from '../../bus-options.js';
import type { MessageMetrics, TypeMetrics } from '../../message-metrics.js';
import type { Handler } from './handler.js';

/** What completes the limits of contracts and handlers. */
export type HandlerDefaults = Pick<MessageBusOptions, 'retry' | 'handlerTimeoutMs'>;

/** The handlers that take one message together, all of one contract, and the limits within which they run. */
export interface HandlerGroup {
  readonly handlers: readonly Handler[];
  readonly contract: ContractDefinition;
  readonly policy: RetryPolicy;
  readonly timeoutMs: number;
  readonly transactional: boolean;
  readonly metrics: TypeMetrics;
}

type ByType = ReadonlyMap<string, ReadonlyMap<number, HandlerGroup>>;

/** The most topics for which it is remembered which handlers match them. */
const MOST_TOPICS = 1_000;

/** The handlers of one consumer by type, version and topic. What depends on the handlers alone is settled here, once. */
export class HandlerTable {
  private readonly direct: ByType;
  private readonly byTopic = new Map<string, ByType>();

  constructor(
    private readonly handlers: readonly Handler[],
    private readonly defaults: HandlerDefaults,
    private readonly metrics: MessageMetrics,
  ) {
    this.direct = this.byType(({ topic }) => topic === undefined);
  }

  /** Undefined when no handler takes the message. */
  find({ type, version, recipient: { kind, name } }: Message): HandlerGroup | undefined {
    const table = kind === 'topic' ? this.publishedTo(name) : this.direct;
    return table.get(type)?.get(version);
  }

  /** Whether the consumer is to get the message. It may also have come by a binding that was left behind. */
  isMeantFor({ recipient: { kind, name } }: Message): boolean {
    return kind !== 'topic' || this.publishedTo(name).size > 0;
  }

  private publishedTo(name: string): ByType {
    let found = this.byTopic.get(name);
    if (found) return found;
    found = this.byType(({ topic }) => topic !== undefined && topicMatches(topic, name));
    if (this.byTopic.size >= MOST_TOPICS) this.byTopic.clear();
    this.byTopic.set(name, found);
    return found;
  }

  /** For each type and version: the handlers of that version, or of the nearest that can upcast it. */
  private byType(isMeant: (handler: Handler) => boolean): ByType {
    const handlers = this.handlers.filter(isMeant);
    const contracts = handlers.map(({ contract }) => contract);
    const table = new Map<string, Map<number, HandlerGroup>>();
    for (const contract of contracts) {
      const { type } = contract;
      const groups = table.get(type) ?? new Map<number, HandlerGroup>();
      table.set(type, groups);
      for (const version of versionsTaken(contract)) {
        const taking = contractTaking(contracts, type, version);
        const [first, ...more] = handlers.filter(
          ({ contract: { type: its, version: at } }) => its === type && at === taking?.version,
        );
        if (first) groups.set(version, this.group(first, more));
      }
    }
    return table;
  }

  /** The first decides about the limits. */
  private group(first: Handler, more: readonly Handler[]): HandlerGroup {
    const { contract, retry, timeout = this.defaults.handlerTimeoutMs } = first;
    const handlers = [first, ...more];
    return {
      handlers,
      contract,
      policy: retryPolicy({ ...contract.retry, ...retry }, this.defaults.retry),
      timeoutMs: timeout,
      transactional: first.transactional ?? contract.transactional,
      metrics: this.metrics.ofType(contract.type),
    };
  }
}
