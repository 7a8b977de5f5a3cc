import {
  type ConsumeOptions,
  type DeadLettered,
  type FlowOptions,
  type Inbox,
  type Incoming,
  type IncomingHandler,
  MemoryBroker,
  type MemoryHub,
  type MessageHandler,
  type Publication,
  type WireRequestOptions,
} from 'agentmq/broker';
import { formatRecipient, fromWire, type WireMessage } from 'agentmq/protocol';
import type { Journal } from './journal.js';
import type { UnderWay } from './under-way.js';

/** The broker in memory as one app has it, which tells what goes through it. */
export class ObservedBroker extends MemoryBroker {
  private readonly owners = new Set<Inbox['owner']>();

  constructor(
    private readonly seen: MemoryHub,
    options: { readonly maxMessageBytes: number },
    private readonly journal: Journal,
    private readonly underWay: UnderWay,
    /** How often each publication reaches the bus. */
    private readonly copies: 1 | 2,
  ) {
    super(seen, options);
  }

  /** A line for each inbox that the app reads and in which messages wait. */
  waiting(): string[] {
    return [...this.owners].flatMap((owner) => {
      const size = this.seen.sizeOf(owner) ?? 0;
      return size > 0 ? [`${size} in the inbox of ${formatRecipient(owner)}`] : [];
    });
  }

  override consume(
    inbox: Inbox,
    options: ConsumeOptions,
    handler: IncomingHandler,
  ): ReturnType<MemoryBroker['consume']> {
    this.owners.add(inbox.owner);
    const consumer = formatRecipient(inbox.owner);
    return super.consume(inbox, options, (incoming) =>
      this.underWay.during(
        () => `${consumer} takes ${nameOf(incoming)}`,
        () => handler(incoming),
      ),
    );
  }

  override consumeDeadLetters(
    options: FlowOptions,
    handler: MessageHandler<DeadLettered>,
  ): ReturnType<MemoryBroker['consumeDeadLetters']> {
    return super.consumeDeadLetters(options, (message) =>
      this.underWay.during(
        () => `${nameOf(message)}, which expired at the broker, is recorded`,
        () => handler(message),
      ),
    );
  }

  override async publish(publication: Publication): Promise<void> {
    await this.underWay.during(
      () => `${nameOf(publication)} is published to ${formatRecipient(publication.recipient)}`,
      async () => {
        for (let n = 0; n < this.copies; n++) await super.publish(publication);
      },
    );
    this.note(publication);
  }

  override request(publication: Publication, options: WireRequestOptions): Promise<WireMessage> {
    this.note(publication);
    return this.underWay.during(
      () => `${nameOf(publication)} waits for the answer of ${formatRecipient(publication.recipient)}`,
      () => super.request(publication, options),
    );
  }

  private note(publication: Publication): void {
    this.journal.sent(fromWire(publication.recipient, publication).message);
  }
}

const nameOf = ({ properties: { type, messageId } }: WireMessage | Incoming): string =>
  `${type ?? 'a message without type'} ${messageId ?? ''}`.trim();
