import type { Trace } from 'agentmq/messaging';
import type { Json } from 'agentmq/operations';
import type { HopView } from './tree.js';

/** A trace as messages between lifelines. Vertical places are in px; time goes down, but not to scale. */
export interface Sequence {
  readonly lanes: readonly Lane[];
  readonly arrows: readonly Arrow[];
  readonly activations: readonly Activation[];
  readonly height: number;
  /** Arrows that are left out. */
  readonly omitted: number;
}

export interface Lane {
  /** An agent's id, or what a message was sent to that no agent has taken. */
  readonly name: string;
  readonly isAgent: boolean;
}

export interface Arrow {
  readonly key: string;
  readonly hop: HopView;
  /** Index of lanes. */
  readonly from: number;
  readonly to: number;
  readonly y: number;
  /** 1 for the first; the same message again for what was retried. */
  readonly attempt: number;
  /** Since the start of the trace, in ms. */
  readonly at: number;
  readonly kind: 'message' | 'retry' | 'reply' | 'waiting';
}

/** An agent at work on a message. */
export interface Activation {
  readonly key: string;
  readonly lane: number;
  readonly from: number;
  readonly to: number;
  /** How many others it was at work on when it began. */
  readonly level: number;
  readonly outcome: 'completed' | 'failed' | 'open';
}

const ARROW = 44;
const END = 16;
const TOP = 8;

interface Moment {
  readonly at: number;
  /** Ends come before arrows of the same time, but for the end of what the arrow began. */
  readonly order: number;
  readonly arrow?: Omit<Arrow, 'y'>;
  /** Key of the activation that ends. */
  readonly ends?: string;
}

/** The first `most` arrows of a trace. */
export function sequenceOf(trace: Json<Trace>, most = 200): Sequence {
  const lanes = new Lanes(trace.path);
  const start = Date.parse(trace.startedAt);
  const all = trace.hops.flatMap((hop, index) => momentsOf(hop, index, lanes, start)).sort(inTime);
  const shown = new Set(all.flatMap(({ arrow }) => arrow?.key ?? []).slice(0, most));
  const arrows: Arrow[] = [];
  const activations: Activation[] = [];
  const open = new Map<string, Omit<Activation, 'to'>>();
  let y = TOP;
  for (const { arrow, ends } of all) {
    if (arrow && shown.has(arrow.key)) {
      y += ARROW;
      arrows.push({ ...arrow, y });
      if (arrow.kind === 'waiting') continue;
      const outcome = outcomeOf(arrow.hop, arrow.attempt);
      if (!outcome) continue;
      const level = [...open.values()].filter(({ lane }) => lane === arrow.to).length;
      open.set(arrow.key, { key: arrow.key, lane: arrow.to, from: y, level, outcome });
    }
    const ended = ends === undefined ? undefined : open.get(ends);
    if (!ended) continue;
    open.delete(ended.key);
    y += END;
    activations.push({ ...ended, to: y });
  }
  const height = y + ARROW / 2;
  for (const each of open.values()) activations.push({ ...each, to: height });
  return { lanes: lanes.all, arrows, activations, height, omitted: arrowsIn(all) - arrows.length };
}

class Lanes {
  readonly all: Lane[] = [];
  private readonly places = new Map<string, number>();

  constructor(agents: readonly string[]) {
    for (const name of agents) this.of(name, true);
  }

  of(name: string, isAgent: boolean): number {
    const known = this.places.get(name);
    if (known !== undefined) return known;
    this.places.set(name, this.all.length);
    return this.all.push({ name, isAgent }) - 1;
  }

  /** What a message was sent to: the agent itself where it names one. */
  ofRecipient(to: string): number {
    return to.startsWith('agent.') ? this.of(to.slice('agent.'.length), true) : this.of(to, false);
  }
}

/** An arrow is where its message was taken: that is where the work on it begins. */
function momentsOf(hop: HopView, index: number, lanes: Lanes, start: number): Moment[] {
  const from = lanes.of(hop.from, true);
  const sent = Date.parse(hop.sentAt) - start;
  const kind: Arrow['kind'] = hop.kind === 'reply' ? 'reply' : 'message';
  const of = { hop, from };
  if (hop.attempts.length === 0) {
    const isOnItsWay = hop.outcome === 'waiting' || hop.outcome === 'failed' || hop.outcome === 'expired';
    const at = Math.max(sent, hop.receivedAt === undefined ? sent : Date.parse(hop.receivedAt) - start);
    const to = lanes.ofRecipient(hop.to);
    return [
      { at, order: 1, arrow: { ...of, to, at, key: `${index}`, attempt: 1, kind: isOnItsWay ? 'waiting' : kind } },
    ];
  }
  return hop.attempts.flatMap(({ attempt, agent, receivedAt, handledAt }, place): Moment[] => {
    const before = hop.attempts[place - 1]?.handledAt;
    const known = receivedAt ?? (place === 0 ? hop.receivedAt : before) ?? handledAt;
    const at = Math.max(sent, known === undefined ? sent : Date.parse(known) - start);
    const key = `${index}.${attempt}`;
    const to = lanes.of(agent, true);
    const arrow = { ...of, to, at, key, attempt, kind: place > 0 ? 'retry' : kind } as const;
    const end = handledAt === undefined ? undefined : Math.max(at, Date.parse(handledAt) - start);
    return [{ at, order: 1, arrow }, ...(end === undefined ? [] : [{ at: end, order: end > at ? 0 : 2, ends: key }])];
  });
}

function outcomeOf({ attempts }: HopView, number: number): Activation['outcome'] | undefined {
  const place = attempts.findIndex(({ attempt }) => attempt === number);
  const attempt = attempts[place];
  if (!attempt) return undefined;
  if (attempt.outcome === 'completed') return 'completed';
  return attempt.outcome === 'handling' && place === attempts.length - 1 ? 'open' : 'failed';
}

const inTime = (a: Moment, b: Moment): number => a.at - b.at || a.order - b.order;
const arrowsIn = (moments: readonly Moment[]): number => moments.filter(({ arrow }) => arrow).length;
