import {
  type ContractDefinition,
  contractKey,
  formatRecipient,
  HEADER,
  type Message,
  type WireMessage,
} from 'agentmq/protocol';
import { givenId } from '../receive/rejected/foreign-messages.js';
import { checkSize } from '../send/composer.js';
import { NotSealedError } from './errors.js';
import { readSeal } from './read-seal.js';
import { type SealedFor, SEALED_TYPE, type Sealer } from './sealer.js';

/** Seals and opens messages and answers: each for the fields by which it is routed and understood. */
export class MessageSealing {
  constructor(
    private readonly sealer: Sealer,
    private readonly maxMessageBytes: number,
  ) {}

  /** Whether what is sensitive is sealed. */
  get seals(): boolean {
    return this.sealer.seals;
  }

  /** A message of a sensitive contract as it is to travel. Rejects as `Sealer.seal` does, or with `MessageTooLargeError`. */
  async seal(message: Message): Promise<Message> {
    return this.seals ? this.sealed(message, boundOf(message)) : message;
  }

  /** An answer, or an error in place of one, for its asker. Rejects as `seal` does. */
  async sealAnswer(answer: Message): Promise<Message> {
    return this.sealed(answer, answerBound(answer, answer.headers?.[HEADER.error] === true, answer.causationId ?? ''));
  }

  /**
   * The payload of a sealed message, or of what was sealed for something else, such as a task. Rejects as `Sealer.open` does.
   */
  async open(message: Message, sealedFor = openedBy(message)): Promise<Buffer> {
    return this.sealer.open(message.body, sealedFor);
  }

  /** Throws `NotSealedError` for a message in clear of a sensitive contract, where that is refused. */
  refuseClear(contract: ContractDefinition): void {
    if (contract.sensitive && this.sealer.refusesClear) throw new NotSealedError(contractKey(contract));
  }

  /** A sealed answer to a request, or the error in place of one, in clear. Rejects as `Sealer.open` does. */
  async openAnswer(request: Message, { properties, body }: WireMessage): Promise<WireMessage> {
    const { messageId = '', type = '', appId: sender = '', headers } = properties;
    const answer = { messageId, type, version: Number(headers[HEADER.version] ?? 1), sender };
    const isError = headers[HEADER.error] === true;
    return { properties, body: await this.sealer.open(body, answerBound(answer, isError, request.messageId)) };
  }

  /**
   * Throws `NotSealedError` for an answer in clear to which one of these contracts applies, where that is refused. An error may
   * come in clear, without text: the process that made it may have no keys, or not know the contract.
   */
  refuseClearAnswer({ properties }: WireMessage, contracts: readonly ContractDefinition[]): void {
    if (properties.headers[HEADER.error] === true) return;
    for (const contract of contracts) this.refuseClear(contract);
  }

  private async sealed(message: Message, bound: SealedFor): Promise<Message> {
    const body = checkSize(await this.sealer.seal(message.body, bound), this.maxMessageBytes);
    return { ...message, body, contentType: SEALED_TYPE };
  }
}

/** A message is the same for each of its consumers, and each time it is sent to one again: all that is in here stays. */
function boundOf(message: Message): SealedFor {
  const { type, version, sender, recipient, correlationId, transient } = message;
  const id = givenId(message);
  return {
    id,
    type,
    version,
    from: sender,
    to: formatRecipient(recipient),
    ...(correlationId === undefined || correlationId === id ? {} : { correlation: correlationId }),
    // what is not stored is not known by its id when it comes again: nothing that is stored passes for it
    ...(transient ? { transient } : {}),
  };
}

/** What is not stored may be stored later, when it is dead and requeued; not the other way round. */
const openedBy = (message: Message): SealedFor => ({
  ...boundOf(message),
  ...(readSeal(message.body).bound?.['transient'] === true ? { transient: true } : {}),
});

const answerBound = (
  { messageId, type, version, sender }: Pick<Message, 'messageId' | 'type' | 'version' | 'sender'>,
  isError: boolean,
  request: string,
): SealedFor => ({ answer: messageId, type, version, from: sender, error: isError, request });
