/** Search of messages. */
import type { MessageRow } from '../../api/types.js';
import { path } from '../../api/client.js';
import { usePages } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card, Id, Status, Tag } from '../../ui/basics.js';
import { type Field, Filters, useFilters } from '../../ui/filters.js';
import { Empty, More, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { worstOf } from './state-kinds.js';

const fields: readonly Field[] = [
  { name: 'key', label: 'Key', placeholder: 'order:4711' },
  { name: 'type', label: 'Type', placeholder: 'order_placed' },
  { name: 'consumer', label: 'Consumer', placeholder: 'role.worker' },
  { name: 'agent', label: 'Agent', placeholder: 'worker-1' },
  {
    name: 'state',
    label: 'State',
    options: [
      ['unpublished', 'In the outbox'],
      ['pending', 'Pending'],
      ['processing', 'Being handled'],
      ['retrying', 'To be retried'],
      ['completed', 'Completed'],
      ['dead', 'Dead'],
      ['expired', 'Expired'],
    ],
  },
  { name: 'id', label: 'Message id', more: true },
  { name: 'trace', label: 'Trace id', more: true },
  { name: 'correlation', label: 'Correlation id', more: true },
  { name: 'from', label: 'Stored from', kind: 'time', more: true },
  { name: 'before', label: 'Stored before', kind: 'time', more: true },
];

export const columns: readonly Column<MessageRow>[] = [
  {
    title: 'Message',
    wide: true,
    cell: (row) => (
      <span class="two-lines">
        <a href={href(path`/messages/${row.id}`)}>
          {row.type}
          <span class="faint">@{row.version}</span>
        </a>
        <Id value={row.id} />
      </span>
    ),
  },
  {
    title: 'Keys',
    cell: ({ keys }) =>
      keys.length > 0 && (
        <span>
          {keys.map(({ name, value }) => (
            <Tag key={name}>{`${name} ${value}`}</Tag>
          ))}
        </span>
      ),
  },
  {
    title: 'Way',
    cell: ({ sender, recipient }) => (
      <span class="way">
        {sender} <span class="faint">→</span> {recipient}
      </span>
    ),
  },
  { title: 'State', cell: (row) => <State row={row} /> },
  { title: 'Stored', align: 'end', cell: ({ storedAt }) => <Time at={storedAt} /> },
];

export function MessagesView() {
  const filters = useFilters(fields);
  const pages = usePages<MessageRow>('/messages', filters, ['messages']);
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <View title="Messages" lead="Every durable message, newest first, and what came of it at each consumer.">
      <Filters fields={fields} />
      {pages.items ? (
        <Card flush>
          <Table
            label="Messages"
            columns={columns}
            rows={pages.items}
            rowKey={({ id }) => id}
            empty={
              <Empty title={isFiltered ? 'No message is like that' : 'No messages yet'}>
                {isFiltered
                  ? 'All filters have to hold. Messages that were settled are kept for a time only.'
                  : 'What agents send is listed here as soon as it is stored.'}
              </Empty>
            }
          />
          <More of={pages} />
        </Card>
      ) : (
        <Pending of={pages} />
      )}
    </View>
  );
}

/** The delivery that needs the most attention, and how many others there are. */
function State({ row }: { readonly row: MessageRow }) {
  const [kind, text] = worstOf(row);
  const { length } = row.deliveries;
  const attempts = Math.max(0, ...row.deliveries.map(({ attempt }) => attempt));
  return (
    <span class="state">
      <Status kind={kind}>{text}</Status>
      {length > 1 && <span class="faint"> {length} consumers</span>}
      {attempts > 1 && <span class="faint"> {attempts} attempts</span>}
    </span>
  );
}
