import type { RegisteredAgent } from 'agentmq/agent';
import type { StoreFigures } from 'agentmq/message-store';
import type { Flow, FlowEdge, FlowNode, Pause } from '../views/system.js';
import type { Activity } from './activity.js';
import { rounded } from './overview.js';

/** The most topics and senders without a role that have a node of their own: those with the most messages. */
const MOST_TOPICS = 20;
const MOST_CLIENTS = 20;
/** The most edges: those with the most messages. */
const MOST_EDGES = 200;
const MOST_TYPES = 5;
const BROADCAST = 'broadcast';
/** Stand for all others: no topic and no agent is called so. */
const OTHER_TOPICS = 'topic:#';
const OTHER_CLIENTS = 'other clients';

interface Edge {
  count: number;
  failed: number;
  readonly types: Map<string, number>;
}

/** The picture of what happened lately between the agents. */
export function flowOf(
  activity: Activity,
  figures: StoreFigures,
  agents: readonly RegisteredAgent[],
  pauses: readonly Pause[],
): Flow {
  const { at, flowSeconds, sent, handled, calls } = activity;
  const roleOf = new Map(agents.map(({ id, roles }) => [id, roles[0] ?? id]));
  const agentNode = (id: string): string => roleOf.get(id) ?? id;
  const consumerNode = (consumer: string): string =>
    consumer.startsWith('role.') ? consumer.slice(5) : agentNode(consumer.replace(/^agent\./, ''));
  const recipientNode = ({ kind, recipient }: Pick<Activity['sent'][number], 'kind' | 'recipient'>): string => {
    if (kind === 'broadcast') return BROADCAST;
    if (kind === 'topic') return `topic:${recipient}`;
    return kind === 'agent' ? agentNode(recipient) : recipient;
  };

  const raw = new Map<string, Map<string, Edge>>();
  const add = (from: string, to: string, type: string, count: number, failed: number): void => {
    const ofSender = raw.get(from) ?? new Map<string, Edge>();
    raw.set(from, ofSender);
    const edge = ofSender.get(to) ?? { count: 0, failed: 0, types: new Map<string, number>() };
    ofSender.set(to, edge);
    edge.count += count;
    edge.failed += failed;
    edge.types.set(type, (edge.types.get(type) ?? 0) + count);
  };
  for (const each of sent) add(agentNode(each.sender), recipientNode(each), each.type, each.count, 0);
  for (const each of handled) {
    const isShared = each.kind === 'topic' || each.kind === 'broadcast';
    const from = isShared ? recipientNode(each) : agentNode(each.sender);
    add(from, consumerNode(each.consumer), each.type, isShared ? each.completed + each.dead : 0, each.dead);
  }
  for (const { sender, agent, consumer, type, count, failed } of calls) {
    const to = consumer?.startsWith('role.') ? consumerNode(consumer) : agentNode(agent);
    add(agentNode(sender), to, type, count, failed);
  }

  const roles = rolesOf(agents, figures, new Set(pauses.map(({ target }) => target)));
  const named = namer(raw, new Set(roles.keys()));
  const edges = edgesOf(raw, named, flowSeconds);
  const drawn = new Set([...roles.keys(), ...edges.flatMap(({ from, to }) => [from, to])]);
  return {
    at,
    windowSeconds: Math.round(flowSeconds * 10) / 10,
    nodes: [...drawn].sort().map((id) => roles.get(id) ?? plain(id)),
    edges,
  };
}

const kindOf = (id: string): FlowNode['kind'] =>
  id === BROADCAST ? 'broadcast' : id.startsWith('topic:') ? 'topic' : 'client';

const plain = (id: string): FlowNode => ({
  ...{ id, kind: kindOf(id), agents: 0, healthy: 0, load: 0, backlog: 0, dead: 0, paused: false },
});

/** A node for each role that an agent has, or that is owed something. */
function rolesOf(
  agents: readonly RegisteredAgent[],
  { deliveries }: StoreFigures,
  paused: ReadonlySet<string>,
): Map<string, FlowNode> {
  const byConsumer = new Map<string, { backlog: number; dead: number }>();
  for (const { consumer, state, count } of deliveries) {
    const figure = byConsumer.get(consumer) ?? { backlog: 0, dead: 0 };
    byConsumer.set(consumer, figure);
    figure[state === 'dead' ? 'dead' : 'backlog'] += count;
  }
  const present = agents.filter(({ health }) => health !== 'stopped');
  const owed = [...byConsumer.keys()].filter((name) => name.startsWith('role.')).map((name) => name.slice(5));
  const names = new Set([...present.flatMap(({ roles }) => roles), ...owed]);
  return new Map(
    [...names].map((id) => {
      const own = present.filter(({ roles }) => roles.includes(id));
      const healthy = own.filter(({ health }) => health === 'healthy');
      // What one agent alone is owed counts for its first role.
      const inboxes = own.filter(({ roles }) => roles[0] === id).map((agent) => `agent.${agent.id}`);
      const figures = [`role.${id}`, ...inboxes].map((name) => byConsumer.get(name) ?? { backlog: 0, dead: 0 });
      const node: FlowNode = {
        id,
        kind: 'role',
        agents: own.length,
        healthy: healthy.length,
        load: healthy.reduce((sum, { load }) => sum + load, 0) / Math.max(1, healthy.length),
        backlog: figures.reduce((sum, { backlog }) => sum + backlog, 0),
        dead: figures.reduce((sum, { dead }) => sum + dead, 0),
        paused: paused.has(`role.${id}`) || (own.length > 0 && own.every((agent) => paused.has(`agent.${agent.id}`))),
      };
      return [id, node];
    }),
  );
}

/** How a node is drawn: as itself, or among the others of its kind. */
function namer(
  raw: ReadonlyMap<string, ReadonlyMap<string, Edge>>,
  roles: ReadonlySet<string>,
): (id: string) => string {
  const counts = new Map<string, number>();
  for (const [from, to] of raw)
    for (const [id, { count }] of to) for (const end of [from, id]) counts.set(end, (counts.get(end) ?? 0) + count);
  const busiest = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([id]) => id);
  const own = (kind: FlowNode['kind'], most: number): string[] =>
    busiest.filter((id) => !roles.has(id) && kindOf(id) === kind).slice(0, most);
  const drawn = new Set([...roles, BROADCAST, ...own('topic', MOST_TOPICS), ...own('client', MOST_CLIENTS)]);
  return (id) => (drawn.has(id) ? id : kindOf(id) === 'topic' ? OTHER_TOPICS : OTHER_CLIENTS);
}

function edgesOf(
  raw: ReadonlyMap<string, ReadonlyMap<string, Edge>>,
  named: (id: string) => string,
  seconds: number,
): FlowEdge[] {
  const merged = new Map<string, Edge & { readonly from: string; readonly to: string }>();
  for (const [from, ofSender] of raw)
    for (const [to, edge] of ofSender) {
      const ends = { from: named(from), to: named(to) };
      const key = JSON.stringify(ends);
      const sum = merged.get(key) ?? { ...ends, count: 0, failed: 0, types: new Map<string, number>() };
      merged.set(key, sum);
      sum.count += edge.count;
      sum.failed += edge.failed;
      for (const [type, count] of edge.types) sum.types.set(type, (sum.types.get(type) ?? 0) + count);
    }
  return [...merged.values()]
    .filter(({ count, failed }) => count + failed > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_EDGES)
    .map(({ from, to, count, failed, types }) => ({
      from,
      to,
      perSecond: rounded(count / seconds),
      failedPerSecond: rounded(failed / seconds),
      types: [...types]
        .sort((a, b) => b[1] - a[1])
        .slice(0, MOST_TYPES)
        .map(([type]) => type),
    }));
}
