/**
 * A list. On a phone each row becomes a card with the columns' titles as labels.
 *
 *     const columns: readonly Column<AgentRow>[] = [
 *       { title: 'Agent', cell: (row) => <a href={href(path`/agents/${row.id}`)}>{row.id}</a>, sort: (row) => row.id },
 *       { title: 'Load', cell: (row) => <Meter … />, sort: (row) => row.load, align: 'end' },
 *     ];
 *     <Table label="Agents" columns={columns} rows={rows} rowKey={(row) => row.id} empty={<Empty title="No agents" />} />
 *
 * Columns with `sort` are sorted by their header, numbers the largest first, which is for lists that are whole; pages of a server come in its order. Arrow keys go
 * from the first link or button of a row to that of the next. With `selected` rows have check boxes; what is ticked stays so when it is no longer shown.
 */
import type { Signal } from '@preact/signals';
import type { ComponentChildren, TargetedKeyboardEvent } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from './icon.js';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly sort?: (row: Row) => string | number;
  readonly align?: 'end';
  /** Takes what the other columns leave, and wraps. */
  readonly wide?: boolean;
  /** Left out on a phone. */
  readonly minor?: boolean;
}

export interface TableProps<Row> {
  /** For screen readers. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly empty?: ComponentChildren;
  /** The rows that are ticked, by key. */
  readonly selected?: Signal<ReadonlyMap<string, Row>>;
  readonly sortedBy?: string;
}

export function Table<Row>({ label, columns, rows, rowKey, empty, selected, sortedBy }: TableProps<Row>) {
  const [order, setOrder] = useState<{ readonly title: string | undefined; readonly turned: boolean }>({
    title: sortedBy,
    turned: false,
  });
  const [first] = rows;
  if (first === undefined) return <>{empty}</>;
  const by = columns.find(({ title }) => title === order.title)?.sort;
  const up = by !== undefined && (typeof by(first) === 'number') === order.turned;
  const sorted = by ? [...rows].sort((a, b) => compare(by(a), by(b)) * (up ? 1 : -1)) : rows;
  const toggle = (title: string): void => setOrder({ title, turned: order.title === title && !order.turned });
  return (
    <div class="table">
      <table aria-label={label}>
        <thead>
          <tr>
            {selected && <SelectAll rows={rows} rowKey={rowKey} selected={selected} />}
            {columns.map(({ title, sort, align, wide, minor }) => (
              <th
                key={title}
                scope="col"
                class={names({ end: align === 'end', wide, minor })}
                aria-sort={order.title === title ? (up ? 'ascending' : 'descending') : undefined}
              >
                {sort ? (
                  <button type="button" onClick={() => toggle(title)}>
                    {title}
                    {order.title === title && <Icon name={up ? 'up' : 'down'} />}
                  </button>
                ) : (
                  title
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={byArrows}>
          {sorted.map((row) => (
            <tr key={rowKey(row)} class={names({ ticked: selected?.value.has(rowKey(row)) })}>
              {selected && <Select row={row} name={rowKey(row)} selected={selected} />}
              {columns.map(({ title, cell, align, wide, minor }) => (
                <td key={title} data-label={title} class={names({ end: align === 'end', wide, minor })}>
                  <div class="cell">{cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Selection<Row> {
  readonly selected: Signal<ReadonlyMap<string, Row>>;
}

function SelectAll<Row>({ rows, rowKey, selected }: Selection<Row> & Pick<TableProps<Row>, 'rows' | 'rowKey'>) {
  const all = rows.every((row) => selected.value.has(rowKey(row)));
  const toggle = (): void => {
    const ticked = new Map(selected.value);
    for (const row of rows) {
      if (all) ticked.delete(rowKey(row));
      else ticked.set(rowKey(row), row);
    }
    selected.value = ticked;
  };
  return (
    <th scope="col" class="tick">
      <input type="checkbox" checked={all} aria-label="all rows shown" onChange={toggle} />
    </th>
  );
}

function Select<Row>({ row, name, selected }: Selection<Row> & { readonly row: Row; readonly name: string }) {
  const toggle = (): void => {
    const ticked = new Map(selected.value);
    if (!ticked.delete(name)) ticked.set(name, row);
    selected.value = ticked;
  };
  return (
    <td class="tick">
      <input type="checkbox" checked={selected.value.has(name)} aria-label={`row ${name}`} onChange={toggle} />
    </td>
  );
}

const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });

const names = (given: Readonly<Record<string, boolean | undefined>>): string =>
  Object.keys(given)
    .filter((name) => given[name])
    .join(' ');

function byArrows(event: TargetedKeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const target = event.target as HTMLElement;
  if (target.matches('input:not([type=checkbox]), select, textarea')) return;
  const row = target.closest('tr');
  const next = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling;
  const focusable = next?.querySelector<HTMLElement>('a, button');
  if (!focusable) return;
  event.preventDefault();
  focusable.focus();
}
