/** What consumers are subscribed to. */
import { post } from '../../api/client.js';
import { changed } from '../../api/live.js';
import type { SubscriptionRow } from '../../api/types.js';
import { usePages } from '../../api/use.js';
import { Button, Card, Status } from '../../ui/basics.js';
import { confirm } from '../../ui/dialog.js';
import { type Field, Filters, useFilters } from '../../ui/filters.js';
import { Empty, More, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';

const fields: readonly Field[] = [{ name: 'consumer', label: 'Consumer', placeholder: 'role.archive' }];

const columns: readonly Column<SubscriptionRow>[] = [
  { title: 'Consumer', cell: ({ consumer }) => consumer },
  { title: 'Topic', wide: true, cell: ({ pattern }) => <code>{pattern || 'broadcast'}</code> },
  { title: 'State', cell: (row) => <State row={row} /> },
  { title: 'Since', align: 'end', cell: ({ since }) => <Time at={since} /> },
  {
    title: '',
    align: 'end',
    cell: (row) =>
      row.endedAt === null && (
        <Button kind="quiet" icon="stop" needs="operator" label={`end ${nameOf(row)}`} onClick={() => void end(row)}>
          End
        </Button>
      ),
  },
];

export function SubscriptionsView() {
  const filters = useFilters(fields);
  const pages = usePages<SubscriptionRow>('/subscriptions', filters, ['consumers', 'agents'], keyOf);
  return (
    <View
      title="Subscriptions"
      lead="A consumer is owed what is published to its topics. A role has those that its live instances declare; one that none declares any more ends after a grace."
    >
      <Filters fields={fields} />
      {pages.items ? (
        <Card flush>
          <Table
            label="Subscriptions"
            columns={columns}
            rows={pages.items}
            rowKey={keyOf}
            empty={<Empty title="No subscriptions">No consumer is owed what is published.</Empty>}
          />
          <More of={pages} />
        </Card>
      ) : (
        <Pending of={pages} />
      )}
    </View>
  );
}

const keyOf = ({ consumer, pattern }: SubscriptionRow): string => `${consumer} ${pattern}`;

const nameOf = ({ consumer, pattern }: SubscriptionRow): string => `${pattern || 'broadcast'} of ${consumer}`;

function State({ row: { endedAt, undeclaredSince, reason } }: { readonly row: SubscriptionRow }) {
  if (endedAt)
    return (
      <span class="two-lines">
        <Status kind="idle">
          ended <Time at={endedAt} />
        </Status>
        {reason && <span class="faint">{reason}</span>}
      </span>
    );
  if (undeclaredSince)
    return (
      <Status kind="warn">
        no instance declares it, since <Time at={undeclaredSince} />
      </Status>
    );
  return <Status kind="good">active</Status>;
}

async function end(row: SubscriptionRow): Promise<void> {
  const { consumer, pattern } = row;
  const answer = await confirm({
    title: `End ${nameOf(row)}`,
    text: () => 'What is published from then on is not owed to it, until an instance that declares it starts.',
    action: 'End',
    kind: 'danger',
    run: () => post('/subscriptions/end', { consumer, pattern }),
    done: `${nameOf(row)} has ended`,
  });
  if (answer) changed(['consumers']);
}
