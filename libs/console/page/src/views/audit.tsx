/** What was changed, by whom, and why. */
import type { AuditRow } from '../api/types.js';
import { usePages } from '../api/use.js';
import { Card, Tag } from '../ui/basics.js';
import { count } from '../ui/format.js';
import { Empty, More, Pending } from '../ui/states.js';
import { type Column, Table } from '../ui/table.js';
import { Time } from '../ui/time.js';
import { View } from '../ui/view.js';

const columns: readonly Column<AuditRow>[] = [
  { title: 'Action', cell: ({ action }) => action.replaceAll('.', ' ').replaceAll('-', ' ') },
  {
    title: 'Target',
    cell: ({ target, reason }) => (
      <>
        <span class="mono">{target}</span>
        {reason && <div class="muted">{reason}</div>}
      </>
    ),
    wide: true,
  },
  { title: 'Rows', cell: ({ rows }) => count(rows), align: 'end' },
  {
    title: 'By',
    cell: ({ by, via }) => (
      <>
        {by} <Tag>{via}</Tag>
      </>
    ),
  },
  { title: 'When', cell: ({ at }) => <Time at={at} />, align: 'end' },
];

export function AuditView() {
  const rows = usePages<AuditRow>('/audit', {}, ['pauses', 'dead-letters', 'replays', 'tasks']);
  return (
    <View title="Audit" lead="Every change that a person or a script has asked for, newest first.">
      <Card flush>
        {rows.items ? (
          <Table
            label="Changes"
            columns={columns}
            rows={rows.items}
            rowKey={({ id }) => id}
            empty={
              <Empty title="Nothing has been changed">
                Requeues, discards, replays, pauses and cancelled tasks are written here.
              </Empty>
            }
          />
        ) : (
          <Pending of={rows} />
        )}
      </Card>
      <More of={rows} />
    </View>
  );
}
