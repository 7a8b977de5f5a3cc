/** Roles and agents that messages are owed to, what waits for each, and pausing them. */
import { useState } from 'preact/hooks';
import { get, path } from '../../api/client.js';
import type { ConsumerRow, Page } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { can } from '../../state/session.js';
import { Button, Card, Status, Tag } from '../../ui/basics.js';
import { count, duration, plural } from '../../ui/format.js';
import { Empty, Pending } from '../../ui/states.js';
import { type Column, Table } from '../../ui/table.js';
import { View } from '../../ui/view.js';
import { PauseActions, pauseState } from '../pauses.js';

const figure = (value: number, to?: string) =>
  value === 0 ? <span class="faint">0</span> : to ? <a href={to}>{count(value)}</a> : count(value);

const columns: readonly Column<ConsumerRow>[] = [
  {
    title: 'Consumer',
    cell: ({ name, subscriptions }) => (
      <>
        <a href={href('/messages', { consumer: name })}>{name}</a>
        {subscriptions.length > 0 && (
          <div>
            {subscriptions.map((topic) => (
              <Tag key={topic}>{topic}</Tag>
            ))}
          </div>
        )}
      </>
    ),
    // roles first: each agent has an inbox of its own
    sort: ({ name }) => `${name.startsWith('role.') ? 0 : 1} ${name}`,
    wide: true,
  },
  { title: 'State', cell: (row) => <State of={row} />, sort: ({ pause, agents }) => `${pause ? 1 : 0}${agents}` },
  {
    title: 'Waiting',
    cell: ({ name, pending }) => figure(pending, href('/messages', { consumer: name, state: 'pending' })),
    sort: ({ pending }) => pending,
    align: 'end',
  },
  {
    title: 'Oldest',
    cell: ({ oldestAgeSeconds: age }) => (age === undefined ? <span class="faint">–</span> : duration(age * 1_000)),
    sort: ({ oldestAgeSeconds = -1 }) => oldestAgeSeconds,
    align: 'end',
  },
  {
    title: 'At work',
    cell: ({ processing }) => figure(processing),
    sort: ({ processing }) => processing,
    align: 'end',
  },
  {
    title: 'Retrying',
    cell: ({ retrying }) => figure(retrying),
    sort: ({ retrying }) => retrying,
    align: 'end',
    minor: true,
  },
  {
    title: 'Dead',
    cell: ({ name, dead }) => figure(dead, href('/dead-letters', { consumer: name })),
    sort: ({ dead }) => dead,
    align: 'end',
  },
  {
    title: 'Queue',
    cell: ({ queueDepth, refused }) => (
      <>
        {queueDepth === undefined ? <span class="faint">–</span> : figure(queueDepth)}
        {refused > 0 && <div class="trouble">{count(refused)} refused</div>}
      </>
    ),
    sort: ({ queueDepth = -1 }) => queueDepth,
    align: 'end',
    minor: true,
  },
];

const intake: Column<ConsumerRow> = {
  title: 'Intake',
  cell: ({ name, pause }) => (
    <PauseActions url={path`/consumers/${name}`} name={name} of="consumer" pause={pause} short />
  ),
  align: 'end',
};

function State({ of: { pause, agents, pending } }: { readonly of: ConsumerRow }) {
  if (pause) {
    return (
      <span title={`${pause.by}: ${pause.reason}`}>
        <Status kind="warn">{pauseState(pause)}</Status>
      </span>
    );
  }
  if (agents === 0) return <Status kind={pending > 0 ? 'bad' : 'idle'}>no agent</Status>;
  return <Status kind="good">{`${count(agents)} ${agents === 1 ? 'agent' : 'agents'}`}</Status>;
}

const MOST = 1_000;

/** Each agent has an inbox of its own, which is mostly empty. */
const isIdle = ({ name, pending, processing, retrying, dead, refused, queueDepth = 0, pause }: ConsumerRow): boolean =>
  name.startsWith('agent.') && !pause && pending + processing + retrying + dead + refused + queueDepth === 0;

export function ConsumersView() {
  const consumers = useQuery(
    (signal) => get<Page<ConsumerRow>>('/consumers', { limit: MOST }, signal),
    [],
    ['consumers', 'pauses'],
  );
  const [whole, setWhole] = useState(false);
  const rows = consumers.data?.items ?? [];
  const idle = rows.filter(isIdle).length;
  return (
    <View
      title="Consumers"
      lead="Each message is owed to the consumers it is for: a role, any agent of which takes it, or one agent."
    >
      <Card flush>
        {consumers.data ? (
          <Table
            label="Consumers"
            columns={can('operator') ? [...columns, intake] : columns}
            rows={whole ? rows : rows.filter((row) => !isIdle(row))}
            rowKey={({ name }) => name}
            sortedBy="Consumer"
            empty={<Empty title="No consumers yet">They appear when agents start.</Empty>}
          />
        ) : (
          <Pending of={consumers} />
        )}
      </Card>
      {consumers.data?.next !== undefined && (
        <p class="hint">{`And more: only the first ${count(MOST)} consumers are listed here, roles before agents.`}</p>
      )}
      {idle > 0 && (
        <div class="more">
          <Button kind="quiet" icon={whole ? 'up' : 'down'} onClick={() => setWhole(!whole)}>
            {whole ? 'Hide' : 'Show'} {plural(idle, 'empty inbox', 'empty inboxes')} of single agents
          </Button>
        </div>
      )}
    </View>
  );
}
