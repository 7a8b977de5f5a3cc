import type { RegisteredAgent } from 'agentmq';
import { AgentProbe } from 'agentmq/agent';
import { contractOf } from 'agentmq/protocol';
import type { StuckSender } from 'agentmq/message-store';
import type { ProbeReason, ProbeRecord } from './probe-record.js';

/** Why an agent is unhealthy. */
export type Reason = 'dead' | 'suspect' | ProbeReason | 'circuit_open' | 'outbox_stuck';

/** An agent as a round of checks found it. */
export interface AgentFinding {
  readonly agent: string;
  readonly role: string;
  readonly instance: string;
  /** Whether enough is known to say that it is well. */
  readonly known: boolean;
  /** Why it is not, each with a text for people. */
  readonly reasons: ReadonlyMap<Reason, string>;
}

/** What was told last of an unhealthy agent. */
export interface ToldCondition {
  readonly agent: string;
  readonly role: string;
  readonly instance: string;
  readonly reasons: readonly string[];
  readonly detail: string;
  readonly since: Date;
}

/** What is to be told. `before`: the reasons that were told last. */
export type ConditionChange = {
  readonly agent: string;
  readonly role: string;
  readonly instance: string;
  readonly before: readonly string[];
} & (
  | { readonly to: 'unhealthy'; readonly reasons: readonly Reason[]; readonly detail: string }
  | { readonly to: 'recovered'; readonly outcome: 'healthy' | 'left' }
);

/** What one round has to go by. */
export interface Evidence {
  /** All that have not stopped. */
  readonly agents: readonly RegisteredAgent[];
  /** By instance, of those that answer probes. */
  readonly probes: ReadonlyMap<string, ProbeRecord>;
  readonly stuck: readonly StuckSender[];
}

/** Puts together what is wrong with each agent. */
export function findingsOf({ agents, probes, stuck }: Evidence): AgentFinding[] {
  const stuckBy = new Map(stuck.map((each) => [each.sender, each]));
  const avoidedBy = circuitsTo(agents);
  return agents.map((each) => {
    const { id, role, instance, health, heartbeatAt } = each;
    const about = { agent: id, role, instance };
    const silent = `silent since ${heartbeatAt.toISOString()}`;
    // Of one that is given up nothing else is worth telling.
    if (health === 'dead') return { ...about, known: true, reasons: new Map([['dead', silent]]) };
    const probed = probes.get(instance);
    const reasons = new Map<Reason, string>();
    if (health === 'suspect') reasons.set('suspect', silent);
    if (probed?.finding) reasons.set(probed.finding.reason, probed.finding.text);
    const avoiding = avoidedBy.get(id);
    if (avoiding) reasons.set('circuit_open', `${avoiding.join(', ')}: sends it no requests`);
    const waiting = stuckBy.get(id);
    if (waiting)
      reasons.set('outbox_stuck', `${waiting.entries} messages have not gone out since ${waiting.since.toISOString()}`);
    return { ...about, known: probed?.known ?? !answersProbes(each), reasons };
  });
}

/** The changes from what was told to what was found. An agent that is in `told` alone has left. */
export function changesBetween(told: readonly ToldCondition[], found: readonly AgentFinding[]): ConditionChange[] {
  const before = new Map(told.map((condition) => [condition.agent, condition]));
  const present = new Set(found.map(({ agent }) => agent));
  const left = told.filter(({ agent }) => !present.has(agent));
  return [
    ...found.flatMap((finding) => changeOf(before.get(finding.agent), finding) ?? []),
    ...left.map(({ agent, role, instance, reasons }): ConditionChange => ({
      ...{ agent, role, instance, before: reasons },
      to: 'recovered',
      outcome: 'left',
    })),
  ];
}

function changeOf(told: ToldCondition | undefined, finding: AgentFinding): ConditionChange | undefined {
  const { agent, role, instance, known } = finding;
  // A monitor that leads since lately, or a new instance: what was told stands until enough is known.
  if (told && !known) return undefined;
  const reasons = [...finding.reasons.keys()].sort();
  const before = told?.reasons ?? [];
  if (reasons.join(' ') === [...before].sort().join(' ')) return undefined;
  const about = { agent, role, instance, before };
  if (reasons.length === 0) return { ...about, to: 'recovered', outcome: 'healthy' };
  const detail = reasons.map((reason) => finding.reasons.get(reason) ?? '').join('; ');
  return { ...about, to: 'unhealthy', reasons, detail: detail.slice(0, LONGEST_DETAIL) };
}

const probe = contractOf(AgentProbe);

/** Instances of versions before do not: they are judged by the registry, their outbox and the circuits to them. */
export const answersProbes = ({ handles }: Pick<RegisteredAgent, 'handles'>): boolean =>
  handles.some(({ type, version }) => type === probe.type && version === probe.version);

const LONGEST_DETAIL = 1_000;
/** The most agents that are named for one circuit. */
const MOST_NAMED = 5;

/** By agent: the live agents whose circuit to it is not closed. */
function circuitsTo(agents: readonly RegisteredAgent[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, health, circuits } of agents) {
    if (health === 'dead') continue;
    for (const { agent } of circuits) {
      const by = found.get(agent) ?? [];
      if (by.length < MOST_NAMED) found.set(agent, [...by, id]);
    }
  }
  return found;
}
