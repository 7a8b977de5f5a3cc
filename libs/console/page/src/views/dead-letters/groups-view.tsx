/** Dead letters that failed alike, as one line each: same consumer, contract and error. */
import type { DeadLetterGroup } from '../../api/types.js';
import { usePages } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Button, Card, Tag } from '../../ui/basics.js';
import { type Field, Filters, useFilters } from '../../ui/filters.js';
import { count } from '../../ui/format.js';
import { Empty, More, Pending } from '../../ui/states.js';
import { Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { discardAll, requeueAll } from './bulk.js';

const fields: readonly Field[] = [
  { name: 'consumer', label: 'Consumer', placeholder: 'role.worker' },
  { name: 'type', label: 'Type', placeholder: 'order_placed' },
];

export function DeadLetterGroupsView() {
  const filters = useFilters(fields);
  const pages = usePages<DeadLetterGroup>('/dead-letters/groups', filters, ['dead-letters']);
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <View
      title="Dead letters"
      lead="What could not be handled, grouped by consumer, contract and error."
      actions={<a href={href('/dead-letters/list', filters)}>One by one</a>}
    >
      <Filters fields={fields} />
      {!pages.items && <Pending of={pages} />}
      {pages.items?.length === 0 && (
        <Card>
          <Empty title="No dead letters">
            {isFiltered ? 'None is like that.' : 'Every message was handled, or an operator has dealt with it.'}
          </Empty>
        </Card>
      )}
      {pages.items && pages.items.length > 0 && (
        <ul class="groups" aria-label="Groups of dead letters">
          {pages.items.map((group) => (
            <Group key={group.id} of={group} />
          ))}
        </ul>
      )}
      <More of={pages} />
    </View>
  );
}

const LONGEST_NAME = 60;
const cut = (text: string): string => (text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text);

function Group({
  of: { id, consumer, type, version, error, count: n, more, firstAt, lastAt, example },
}: {
  readonly of: DeadLetterGroup;
}) {
  const what = `${error.code} at ${consumer}`;
  const named = `“${cut(error.message || error.name)}” at ${consumer}`;
  return (
    <li class="card group">
      <a class="size" href={href('/dead-letters/list', { group: id })} aria-label={`${count(n)} dead letters: ${what}`}>
        {count(n)}
        {more && '+'}
      </a>
      <div class="told">
        <p class="message">{error.message || error.name}</p>
        <p class="about">
          <Tag kind="bad">{error.code}</Tag>
          <span>
            {type}@{version}
          </span>
          <span class="faint">at</span>
          <span>{consumer}</span>
        </p>
        <p class="when">
          <span>
            last <Time at={lastAt} />
          </span>
          {n > 1 && (
            <span>
              first <Time at={firstAt} />
            </span>
          )}
          <a href={href(`/messages/${encodeURIComponent(example)}`)}>the latest</a>
          <a href={href('/dead-letters/list', { group: id })}>all of them</a>
        </p>
      </div>
      <div class="actions">
        <Button icon="trash" kind="quiet" needs="operator" onClick={() => void discardAll([{ group: id }], named)}>
          Discard
        </Button>
        <Button icon="retry" needs="operator" onClick={() => void requeueAll([{ group: id }], named)}>
          Requeue
        </Button>
      </div>
    </li>
  );
}
