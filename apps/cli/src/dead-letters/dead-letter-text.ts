import type { DeadLetterGroup, DeadLetterRow } from 'agentmq/operations';
import { age, count, errorLine, type TableView } from '../output/index.js';

export const lettersView: TableView<DeadLetterRow> = {
  columns: [
    { title: 'id', align: 'left', cell: ({ id }) => id },
    { title: 'consumer', align: 'left', least: 10, cell: ({ consumer }) => consumer },
    { title: 'type', align: 'left', least: 8, cell: ({ type }) => type },
    { title: 'attempts', align: 'right', optional: 2, cell: ({ attempts }) => String(attempts) },
    { title: 'failed', align: 'right', optional: 1, cell: ({ lastFailedAt }) => age(lastFailedAt) },
    { title: 'error', align: 'left', least: 12, cell: errorOf },
  ],
  none: 'no dead letters',
};

export const groupsView: TableView<DeadLetterGroup> = {
  columns: [
    { title: 'dead', align: 'right', cell: (group) => `${count(group.count)}${group.more ? '+' : ''}` },
    { title: 'latest', align: 'right', cell: ({ lastAt }) => age(lastAt) },
    { title: 'first', align: 'right', optional: 1, cell: ({ firstAt }) => age(firstAt) },
    { title: 'error', align: 'left', least: 16, cell: ({ error }) => errorLine(error) },
    // it names the consumer and the contract, and is what --group is given
    { title: 'group', align: 'left', cell: ({ id }) => id },
  ],
  none: 'no dead letters',
};

function errorOf({ error, discarded }: DeadLetterRow): string {
  return `${discarded ? `(discarded: ${discarded.reason}) ` : ''}${error ? errorLine(error) : '-'}`;
}
