/** Dead letters one by one: ticked ones, or all that the filters select, are requeued or discarded. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { path } from '../../api/client.js';
import type { DeadLetterRow } from '../../api/types.js';
import { usePages } from '../../api/use.js';
import { href } from '../../state/router.js';
import { can } from '../../state/session.js';
import { Button, Card, Id, Status } from '../../ui/basics.js';
import { type Field, Filters, useFilters } from '../../ui/filters.js';
import { count, plural } from '../../ui/format.js';
import { Empty, More, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { discardAll, requeueAll, type Selection } from './bulk.js';

const fields: readonly Field[] = [
  { name: 'group', label: 'Group', more: true },
  { name: 'consumer', label: 'Consumer', placeholder: 'role.worker' },
  { name: 'type', label: 'Type', placeholder: 'order_placed' },
  { name: 'error', label: 'Error has', placeholder: 'timeout' },
  { name: 'from', label: 'Stored from', kind: 'time', more: true },
  { name: 'before', label: 'Stored before', kind: 'time', more: true },
];

const columns: readonly Column<DeadLetterRow>[] = [
  {
    title: 'Message',
    cell: (row) => (
      <span class="two-lines">
        <a href={href(path`/messages/${row.id}`)}>{row.type}</a>
        <Id value={row.id} />
      </span>
    ),
  },
  {
    title: 'Error',
    wide: true,
    cell: ({ error, discarded }) => (
      <span class="two-lines">
        {error ? (
          <>
            <span>{error.message || error.name}</span>
            <span class="faint">
              {error.name} · {error.code}
            </span>
          </>
        ) : (
          <span class="faint">not told</span>
        )}
        {discarded && <Status kind="idle">discarded: {discarded.reason}</Status>}
      </span>
    ),
  },
  { title: 'Consumer', cell: ({ consumer }) => consumer },
  { title: 'Attempts', align: 'end', minor: true, cell: ({ attempts }) => attempts },
  { title: 'Failed', align: 'end', cell: ({ lastFailedAt }) => <Time at={lastFailedAt} /> },
];

const keyOf = ({ id, consumer }: DeadLetterRow): string => `${id} ${consumer}`;

/** A message may be dead at several consumers, of which one is meant. */
const byConsumer = (rows: readonly DeadLetterRow[]): Selection[] =>
  [...new Set(rows.map(({ consumer }) => consumer))].map((consumer) => ({
    consumer,
    ids: rows.filter((row) => row.consumer === consumer).map(({ id }) => id),
  }));

export function DeadLettersView() {
  const filters = useFilters(fields);
  const pages = usePages<DeadLetterRow>('/dead-letters', filters, ['dead-letters'], keyOf);
  // the rows themselves: one that newer dead letters have pushed off the page is still meant
  const selected = useSignal<ReadonlyMap<string, DeadLetterRow>>(new Map());
  const untick = (): void => {
    selected.value = new Map();
  };
  // what is ticked is of the list that was seen then
  useEffect(untick, [JSON.stringify(filters)]);
  const ticked = [...selected.value.values()];
  const shown = new Set(pages.items?.map(keyOf));
  const unseen = pages.items ? ticked.filter((row) => !shown.has(keyOf(row))).length : 0;
  const isFiltered = Object.keys(filters).length > 0;
  const what =
    ticked.length > 0
      ? plural(ticked.length, 'message')
      : isFiltered
        ? 'all that the filters select'
        : 'all dead letters';
  const change = async (command: typeof requeueAll): Promise<void> => {
    const selections = ticked.length > 0 ? byConsumer(ticked) : [isFiltered ? filters : { all: true }];
    if (await command(selections, what)) untick();
  };
  const isEmpty = pages.items?.length === 0;
  return (
    <View
      title="Dead letters, one by one"
      back={['Dead letters', href('/dead-letters')]}
      actions={
        (!isEmpty || ticked.length > 0) &&
        can('operator') && (
          <>
            {ticked.length > 0 && (
              <Button icon="close" kind="quiet" onClick={untick}>
                {unseen > 0 ? `Untick all, ${count(unseen)} of them not shown` : 'Untick all'}
              </Button>
            )}
            <Button icon="trash" onClick={() => void change(discardAll)}>
              Discard {ticked.length > 0 ? ticked.length : 'all'}
            </Button>
            <Button icon="retry" kind="primary" onClick={() => void change(requeueAll)}>
              Requeue {ticked.length > 0 ? ticked.length : 'all'}
            </Button>
          </>
        )
      }
    >
      <Filters fields={fields} />
      {pages.items ? (
        <Card flush>
          <Table
            label="Dead letters"
            columns={columns}
            rows={pages.items}
            rowKey={keyOf}
            {...(can('operator') ? { selected } : {})}
            empty={
              <Empty title={isFiltered ? 'No dead letter is like that' : 'No dead letters'}>
                {isFiltered
                  ? 'All filters have to hold.'
                  : 'Every message was handled, or an operator has dealt with it.'}
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
