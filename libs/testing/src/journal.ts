import { contractOf, decodeBody, type Envelope, type Message, type PayloadClass, readPayload } from 'agentmq/protocol';

/** A message that was sent, with its payload as its receiver reads it. */
export type Sent<P extends object> = Envelope & { readonly payload: P };

/** A message that a handler has taken, and what came of it. */
export interface Handled<P extends object> extends Sent<P> {
  /** The agent that handled it. */
  readonly agent: string;
  /** `role.pricing` or `agent.pricing-1`: for which consumer. */
  readonly consumer: string;
  /** What the handler returned: the answer, if the message is a request. */
  readonly answer: unknown;
}

/** A handler's run that has come to an end. */
export interface Run {
  readonly message: Message;
  readonly contract: PayloadClass;
  readonly payload: object;
  readonly agent: string;
  readonly consumer: string;
  readonly answer: unknown;
}

/** What a test's system did that no table keeps: messages that are not stored, and what handlers returned. */
export class Journal {
  private readonly published = new Map<string, Message>();
  private readonly runs: Run[] = [];

  /** The first copy that was published of a message that is not stored. */
  sent(message: Message): void {
    if (message.transient && !this.published.has(message.messageId)) this.published.set(message.messageId, message);
  }

  handled(run: Run): void {
    this.runs.push(run);
  }

  transientOf(type: string): Message[] {
    return [...this.published.values()].filter((message) => message.type === type);
  }

  runsOf(type: string): readonly Run[] {
    return this.runs.filter(({ message }) => message.type === type);
  }
}

/** The envelope, without the bytes. */
export function envelopeOf({ body: _body, contentType: _type, ...envelope }: Message): Envelope {
  return envelope;
}

/** Throws `ContractViolationError` or `InvalidMessageError` for what its receiver would refuse as well. */
export function sentOf<P extends object>(contract: PayloadClass<P>, message: Message): Sent<P> {
  const payload = readPayload(contractOf(contract), decodeBody(message.body), message.version);
  return { ...envelopeOf(message), payload };
}
