import { InvalidSelectionError } from 'agentmq/database';
import { type FoundMessage, isExactTime, type SearchPosition, type Store } from 'agentmq/message-store';
import { type ContractCatalogue, formatRecipient } from 'agentmq/protocol';
import { MessageNotFoundError } from '../errors.js';
import { cursorOf, readCursor } from '../views/cursor.js';
import type { MessageRow, MessageSearch } from '../views/messages.js';
import { DEFAULT_LIMIT, MOST_LISTED, type Page } from '../views/page.js';
import { type MessageView, messageView } from './message-view.js';

/** Stored messages as operators find and read them. Needs no broker. */
export class Messages {
  constructor(
    private readonly store: Pick<Store, 'history' | 'search'>,
    private readonly contracts: ContractCatalogue,
  ) {}

  /**
   * A page of the messages that fulfil all that is given, the newest first. Where few of many are, it may hold fewer than
   * `limit`, and none, though there is a `next`: a search goes on for a third of a second at most. Rejects with
   * `InvalidSelectionError` for a limit or an `after` that is none.
   */
  async search({ limit = DEFAULT_LIMIT, after, ...filter }: MessageSearch): Promise<Page<MessageRow>> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LISTED)
      throw new InvalidSelectionError('limit', `is not from 1 to ${MOST_LISTED}`);
    const { messages, next } = await this.store.search.search(
      filter,
      limit,
      after === undefined ? after : position(after),
    );
    return { items: messages.map(messageRow), ...(next ? { next: cursorOf(next.at, next.id) } : {}) };
  }

  /** Rejects with {@link MessageNotFoundError}. */
  async read(id: string): Promise<MessageView> {
    const stored = await this.store.history.find(id);
    if (!stored) throw new MessageNotFoundError(id);
    const keys = await this.store.search.keysOf([id]);
    return messageView(stored, this.contracts, keys.get(id));
  }
}

function position(after: string): SearchPosition {
  const [at = '', id = ''] = readCursor(after, 2);
  if (!isExactTime(at)) throw new InvalidSelectionError('after', 'is not the next of a page');
  return { at, id };
}

function messageRow({ recipient, traceId, correlationId, ...row }: FoundMessage): MessageRow {
  return {
    ...row,
    recipient: formatRecipient(recipient),
    ...(traceId === null ? {} : { traceId }),
    ...(correlationId === null ? {} : { correlationId }),
  };
}
