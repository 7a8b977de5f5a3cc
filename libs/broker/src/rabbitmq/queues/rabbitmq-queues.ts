import type { ConsumeMessage, Options } from 'amqplib';
import { formatRecipient, HEADER } from 'agentmq/protocol';
import type { Inbox } from '../../broker.js';
import { QueueMoveError } from '../../errors.js';
import { LANES } from '../../lanes.js';
import { pause } from 'agentmq/time';
import { type Binding, Topology } from '../../topology.js';
import { type Connection, connectionKeeper } from '../connection/connection.js';
import { bind, provideExchanges, provideQueues, unbind, type QueueDeclaration } from './declarations.js';
import type { Keeper } from '../../server/keeper.js';
import { moveMessages } from './move-messages.js';
import { type RabbitMqOptions, type RabbitMqSettings, settingsOf } from '../options.js';
import { type FoundQueue, inspectQueue, sizeOf } from './queue-inspection.js';
import { deadLetterOptions, inboxOptions } from './queue-options.js';
import { Remarks } from '../../server/remarks.js';
import { codeOf, PRECONDITION_FAILED } from '../connection/reply-codes.js';

/** A queue of the namespace, as it exists and as the settings want it. */
export interface QueueState extends FoundQueue {
  readonly queue: string;
  /** Messages in the queue aside that an interrupted migration left, which still takes what is published; undefined unless there is one. */
  readonly aside: number | undefined;
}

/** What a migration did to a queue. */
export interface QueueMigration {
  readonly queue: string;
  readonly moved: number;
  /** A running agent has declared it again with its own, other settings meanwhile. */
  readonly overtaken: boolean;
}

interface OwnQueue extends QueueDeclaration {
  readonly bindings: readonly Binding[];
  /** Undefined for the queue of dead letters. */
  readonly owner?: Inbox['owner'];
}

/** Readers of a queue have been told by then that it is deleted; what is published waits aside. */
const NOTICE_MS = 500;

/** Looks at the queues that exist, and makes those anew whose arguments differ from the settings. For operators. */
export class RabbitMqQueues {
  private readonly settings: RabbitMqSettings;
  private readonly topology: Topology;
  private readonly keeper: Keeper<Connection>;
  private readonly closing = new AbortController();
  private readonly remarks = new Remarks(() => undefined);

  /** Throws `BrokerOptionsError`. */
  constructor(options: RabbitMqOptions) {
    this.settings = settingsOf(options);
    this.topology = new Topology(this.settings.namespace);
    this.keeper = connectionKeeper('queues', this.settings);
  }

  /** Rejects with `BrokerUnavailableError`. */
  async open(): Promise<void> {
    const failure = await this.keeper.start();
    if (!failure) return;
    this.keeper.stop();
    throw failure;
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.keeper.stop()?.close();
  }

  /** The queues of these inboxes, and that of dead letters, as far as they exist. */
  async list(inboxes: readonly Inbox[]): Promise<QueueState[]> {
    const states: QueueState[] = [];
    for (const own of this.queuesOf(inboxes)) {
      const state = await this.stateOf(own);
      if (state) states.push(state);
    }
    return states;
  }

  /**
   * Makes the queues anew whose arguments differ, and goes on where an earlier run was interrupted. Each queue's messages
   * wait in another meanwhile, which takes what is published, so that none is lost whether agents run or not; what is
   * published in the moment of a change may come twice. Rejects with `QueueMoveError`: then run it again.
   */
  async migrate(inboxes: readonly Inbox[], onDone: (migration: QueueMigration) => void): Promise<void> {
    const connection = await this.keeper.opened();
    await provideExchanges(connection, this.topology, this.remarks);
    for (const own of this.queuesOf(inboxes)) {
      const state = await this.stateOf(own);
      if (!state || (state.differences.length === 0 && state.aside === undefined)) continue;
      onDone(await this.makeAnew(connection, own, state));
    }
  }

  private queuesOf(inboxes: readonly Inbox[]): OwnQueue[] {
    const { topology, settings } = this;
    const { deadLetters, deadLetterBinding } = topology;
    return [
      { name: deadLetters, options: deadLetterOptions(settings), bindings: [deadLetterBinding] },
      ...inboxes.flatMap((inbox) =>
        LANES.map((lane) => ({
          name: topology.queue(inbox.owner, lane),
          options: inboxOptions(inbox.owner, topology, settings),
          bindings: topology.bindings(inbox, lane),
          owner: inbox.owner,
        })),
      ),
    ];
  }

  private async stateOf(own: OwnQueue): Promise<QueueState | undefined> {
    const connection = await this.keeper.opened();
    const aside = await sizeOf(connection, this.topology.movingQueue(own.name));
    const found = await inspectQueue(connection, own);
    if (!found && !aside) return undefined;
    // How long an agent's inbox outlives it is the agent's own choice.
    const differences = (found?.differences ?? []).filter(({ argument }) => argument !== 'x-expires');
    const { messages, consumers } = found ?? { messages: 0, consumers: 0 };
    return { queue: own.name, messages, consumers, differences, aside: aside?.messages };
  }

  private async makeAnew(connection: Connection, own: OwnQueue, state: QueueState): Promise<QueueMigration> {
    const { name, options, bindings } = own;
    const aside = this.topology.movingQueue(name);
    const { maxLength = Infinity } = options;
    const { queueType } = this.settings;
    const left = state.aside ?? 0;
    if (state.messages + left > maxLength && state.consumers === 0) {
      const problem = `${state.messages + left} messages wait in it, more than the ${maxLength} that it may hold then`;
      throw new QueueMoveError(name, `${problem}: let agents handle some first`);
    }
    let moved = 0;
    let overtaken = false;
    if (state.differences.length > 0) {
      // As long as it takes: without a limit, and without an expiry of its own.
      const { maxLength: _, overflow: __, expires: ___, ...unlimited } = options;
      await provideQueues(connection, [{ name: aside, options: unlimited }], this.remarks);
      await bind(connection, aside, bindings);
      await unbind(connection, name, bindings);
      do moved += await this.move(connection, own, name, aside);
      while (!(await this.replace(connection, own, typeOf(state, queueType) !== 'quorum')));
      overtaken = ((await inspectQueue(connection, own))?.differences ?? []).some(
        ({ argument }) => argument !== 'x-expires',
      );
    }
    await provideQueues(connection, [own], this.remarks);
    await bind(connection, name, bindings);
    await unbind(connection, aside, bindings);
    do await this.move(connection, own, aside, name);
    while (!(await deleteIfEmpty(connection, aside, false)));
    return { queue: name, moved: moved + (state.differences.length > 0 ? 0 : left), overtaken };
  }

  /**
   * Deletes the queue, if it is empty still, and declares it anew. Not before its readers have been told: RabbitMQ does not
   * cancel a consumer whose quorum queue is there again, and delivers nothing to it any more.
   */
  private async replace(connection: Connection, { name, options }: OwnQueue, knowsIfEmpty: boolean): Promise<boolean> {
    if (!(await deleteIfEmpty(connection, name, knowsIfEmpty))) return false;
    await pause(NOTICE_MS, this.closing.signal);
    // A reader that was faster has declared it with its own settings; that is found out after.
    await connection
      .withChannel((channel) => channel.assertQueue(name, options))
      .catch((error: unknown) => {
        if (codeOf(error) !== PRECONDITION_FAILED) throw error;
      });
    return true;
  }

  private move(connection: Connection, own: OwnQueue, from: string, to: string): Promise<number> {
    return moveMessages(connection, from, to, (message) => optionsOf(message, own.owner, this.topology));
  }
}

const typeOf = ({ differences }: QueueState, wanted: string): string =>
  differences.find(({ argument }) => argument === 'x-queue-type')?.found ?? wanted;

/**
 * Resolves with false when the queue is not empty. Quorum queues don't know `if-empty` (the connection is closed for it):
 * they are asked just before, and nothing is bound to them by then.
 */
async function deleteIfEmpty(connection: Connection, queue: string, knowsIfEmpty: boolean): Promise<boolean> {
  if (!knowsIfEmpty && ((await sizeOf(connection, queue))?.messages ?? 0) > 0) return false;
  try {
    await connection.withChannel((channel) => channel.deleteQueue(queue, { ifEmpty: knowsIfEmpty }));
    return true;
  } catch (error) {
    if (codeOf(error) === PRECONDITION_FAILED) return false;
    throw error;
  }
}

/** All that the message has; of one in an inbox also its recipient, which exchange and routing key do not tell any more. */
function optionsOf(message: ConsumeMessage, owner: Inbox['owner'] | undefined, topology: Topology): Options.Publish {
  // RabbitMQ takes the name of a user from that user alone.
  const { headers, deliveryMode, userId: _user, clusterId: _cluster, ...properties } = message.properties;
  // Orders to RabbitMQ, which it has carried out, and its own counts.
  const { CC: _cc, 'x-delivery-count': _count, ...kept } = (headers ?? {}) as Record<string, unknown>;
  const options = { ...(properties as Options.Publish), persistent: deliveryMode === 2 };
  if (!owner) return { ...options, headers: kept };
  const { exchange, routingKey } = message.fields;
  const recipient = formatRecipient(topology.recipientOf(exchange, routingKey, owner));
  const known = HEADER.recipient in kept || recipient === formatRecipient(owner);
  return { ...options, headers: known ? kept : { ...kept, [HEADER.recipient]: recipient } };
}
