import { loadSettings, registryTimes } from 'agentmq/agent';
import { stockContracts } from 'agentmq/contracts';
import {
  Contracts,
  type ContractRow,
  Explainer,
  knownContracts,
  type MessageKey,
  Messages,
  type MessageSearch,
} from 'agentmq/operations';
import type { JsonOption, ListOptions } from '../command/options.js';
import { withStore } from '../command/with-store.js';
import { print, printJson, printPage, type TableView } from '../output/index.js';
import { messagesView, printExplanation, printMessage } from './message-text.js';

export interface SearchOptions extends ListOptions {
  readonly type?: string;
  readonly consumer?: string;
  readonly agent?: string;
  readonly state?: NonNullable<MessageSearch['state']>;
  readonly from?: Date;
  readonly before?: Date;
  readonly trace?: string;
  readonly correlation?: string;
  readonly key?: MessageKey;
}

/** Prints the messages that are all that is given. Rejects with `InvalidSelectionError`. */
export function searchMessages({ json, trace, correlation, ...given }: SearchOptions): Promise<void> {
  return withStore(async (store) => {
    const search: MessageSearch = {
      ...given,
      ...(trace === undefined ? {} : { traceId: trace }),
      ...(correlation === undefined ? {} : { correlationId: correlation }),
    };
    printPage(await new Messages(store, knownContracts(stockContracts)).search(search), json, messagesView);
  });
}

/** Prints one message with its deliveries and its payload. Rejects with `MessageNotFoundError`. */
export function showMessage(id: string, { json }: JsonOption): Promise<void> {
  return withStore(async (store) => {
    const view = await new Messages(store, knownContracts(stockContracts)).read(id);
    if (json) printJson(view);
    else printMessage(view);
  });
}

/** Prints why a message has, or has not, been handled, at each consumer that is owed it. */
export function explainMessage(id: string, { json }: JsonOption): Promise<void> {
  return withStore(async (store, settings) => {
    const liveMs = registryTimes(settings.registry).suspectAfter;
    const items = await new Explainer(store, { liveMs }).explain(id);
    if (json) printJson({ items });
    else
      for (const [index, explanation] of items.entries()) {
        if (index > 0) print('');
        printExplanation(explanation);
      }
  });
}

/** Prints the contracts that live agents handle, and those of the stock apps. */
export function listContracts({ json }: JsonOption): Promise<void> {
  return withStore(async (store) => {
    const liveMs = registryTimes(loadSettings().registry).suspectAfter;
    const items = await new Contracts(store, knownContracts(stockContracts), liveMs).list();
    printPage({ items }, json, contractsView);
  });
}

const contractsView: TableView<ContractRow> = {
  columns: [
    { title: 'type', align: 'left', cell: ({ type }) => type },
    { title: 'version', align: 'right', cell: ({ version }) => String(version) },
    { title: 'handled by', align: 'left', least: 12, cell: ({ handledBy }) => handledBy.join(', ') || '-' },
    { title: 'keys', align: 'left', optional: 1, cell: ({ keys }) => keys.join(', ') },
    { title: 'sensitive', align: 'left', optional: 2, cell: ({ sensitive }) => (sensitive ? 'yes' : '') },
  ],
  none: 'no contracts',
};
