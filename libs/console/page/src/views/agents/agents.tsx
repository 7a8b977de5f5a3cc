/** All agents of the namespace. */
import { get, path } from '../../api/client.js';
import type { AgentRow, Page } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card, Meter, Tag } from '../../ui/basics.js';
import { type Field, Filters, useFilters } from '../../ui/filters.js';
import { count, plural } from '../../ui/format.js';
import { Empty, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { Health, isUnhealthy } from './health.js';

const columns: readonly Column<AgentRow>[] = [
  { title: 'Agent', cell: ({ id }) => <a href={href(path`/agents/${id}`)}>{id}</a>, sort: ({ id }) => id, wide: true },
  {
    title: 'Roles',
    cell: ({ roles }) => roles.map((role) => <Tag key={role}>{role}</Tag>),
    sort: ({ roles }) => roles.join(),
  },
  { title: 'State', cell: (row) => <Health of={row} />, sort: ({ health, pause }) => `${health}${pause ? 1 : 0}` },
  { title: 'Load', cell: ({ load, id }) => <Meter value={load} label={`load of ${id}`} />, sort: ({ load }) => load },
  { title: 'In flight', cell: ({ inFlight }) => count(inFlight), sort: ({ inFlight }) => inFlight, align: 'end' },
  { title: 'Version', cell: ({ version }) => version, sort: ({ version }) => version, minor: true },
  {
    title: 'Heartbeat',
    cell: ({ heartbeatAt }) => <Time at={heartbeatAt} />,
    sort: ({ heartbeatAt }) => heartbeatAt,
    align: 'end',
  },
];

const MOST = 1_000;

const fieldsOf = (rows: readonly AgentRow[]): readonly Field[] => [
  { name: 'name', label: 'Name', placeholder: 'worker' },
  {
    name: 'role',
    label: 'Role',
    options: [...new Set(rows.flatMap(({ roles }) => roles))].sort().map((role) => [role, role]),
  },
  {
    name: 'health',
    label: 'State',
    options: [
      ['healthy', 'Healthy'],
      ['unhealthy', 'Not healthy'],
      ['paused', 'Paused'],
      ['stopped', 'Stopped'],
    ],
  },
];

export function AgentsView() {
  const agents = useQuery(
    (signal) => get<Page<AgentRow>>('/agents', { limit: MOST }, signal),
    [],
    ['agents', 'pauses'],
  );
  const rows = agents.data?.items ?? [];
  const isWhole = agents.data?.next === undefined;
  const fields = fieldsOf(rows);
  const wanted = useFilters(fields);
  const shown = rows.filter((row) => fits(row, wanted));
  return (
    <View title="Agents" lead={agents.data && summary(rows, isWhole)}>
      <Filters fields={fields} />
      <Card flush>
        {agents.data ? (
          <Table
            label="Agents"
            columns={columns}
            rows={shown}
            rowKey={({ id }) => id}
            sortedBy="Agent"
            empty={
              <Empty title="No agent is like that">
                {rows.length > 0 ? 'Others are: clear the filters.' : 'None has registered yet.'}
              </Empty>
            }
          />
        ) : (
          <Pending of={agents} />
        )}
      </Card>
      {!isWhole && <p class="hint">{`And more: only the first ${count(MOST)} agents are listed and filtered here.`}</p>}
    </View>
  );
}

function fits(row: AgentRow, { name, role, health }: Readonly<Record<string, string>>): boolean {
  if (name && !row.id.toLowerCase().includes(name.toLowerCase())) return false;
  if (role && !row.roles.includes(role)) return false;
  if (health === 'unhealthy') return isUnhealthy(row);
  if (health === 'paused') return row.pause !== undefined;
  return !health || (row.health === health && !isUnhealthy(row));
}

function summary(rows: readonly AgentRow[], isWhole: boolean): string {
  const versions = new Set(rows.filter(({ health }) => health === 'healthy').map(({ version }) => version));
  const unhealthy = rows.filter(isUnhealthy).length;
  return [
    isWhole ? plural(rows.length, 'agent') : `The first ${plural(rows.length, 'agent')} of more`,
    unhealthy > 0 ? `${count(unhealthy)} not healthy` : 'none unhealthy',
    ...(versions.size > 1 ? [`${versions.size} versions at once`] : []),
  ].join(', ');
}
