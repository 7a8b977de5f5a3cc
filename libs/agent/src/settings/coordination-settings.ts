import { fraction, parsed, seconds, secondsOrLess, Setting, whole } from 'agentmq/settings';
import { readRoutingRules, type RoutingRule, writeRoutingRules } from './routing-rules.js';

/** Elections, proposals, and where work goes. */
export class CoordinationSettings {
  /** How long votes on a proposal are waited for, unless it says otherwise. */
  @Setting(
    seconds(1, 86_400),
    'COORDINATION_CONSENSUS_TIMEOUT',
    'how long votes on a proposal are waited for, unless it says otherwise',
  )
  consensusTimeout = 60_000;

  @Setting(
    seconds(1, 86_400),
    'COORDINATION_LEADER_ELECTION_INTERVAL',
    'how often a leader has its term confirmed by the database',
  )
  leaderElectionInterval = 300_000;

  @Setting(
    secondsOrLess(0.05, 60),
    'COORDINATION_LEADER_HEARTBEAT_INTERVAL',
    'how often a leader tells its group that it leads',
  )
  leaderHeartbeatInterval = 500;

  /** The least time without a leader before an election; each is drawn from this to twice this. */
  @Setting(
    secondsOrLess(0.2, 600),
    'COORDINATION_ELECTION_TIMEOUT',
    'the least time without a leader before an election: each is drawn from this to twice this; at least three heartbeats',
  )
  electionTimeout = 2_500;

  /** Where work for a capability goes, if not to the agents that declare it. */
  @Setting(
    parsed(readRoutingRules, writeRoutingRules),
    'ROUTING_RULES',
    'where work for a capability goes: `nlp_*=specialist,agent:w-1; price_*=pricing@10`; docs/DISTRIBUTION.md, Routing',
  )
  routingRules: readonly RoutingRule[] = [];
}

/** Tasks. */
export class TaskSettings {
  /** The largest payload, and the largest result, of a task. */
  @Setting(
    whole(1_024, 268_435_456),
    'TASK_MAX_BYTES',
    'the largest payload, and the largest result, of a task; whatever size messages may have',
  )
  maxBytes = 16 * 1024 * 1024;
}

/** When calls to an agent that fails are held back. */
export class CircuitSettings {
  /** The share of failures, 0 to 1, above which its circuit opens. */
  @Setting(fraction(0, 0.99), 'CIRCUIT_FAILURE_RATE', "the share of failures above which an agent's circuit opens")
  failureRate = 0.5;

  /** How far back calls count. */
  @Setting(secondsOrLess(0.1, 3_600), 'CIRCUIT_WINDOW', 'how far back calls count for that')
  window = 10_000;

  @Setting(whole(1, 1_000_000), 'CIRCUIT_MINIMUM_VOLUME', 'the fewest calls in that time that a circuit opens on')
  minimumVolume = 10;

  /** How long it stays open before a call may try the agent. */
  @Setting(
    secondsOrLess(0.1, 3_600),
    'CIRCUIT_OPEN_TIME',
    'how long a circuit stays open before one call may try the agent',
  )
  openTime = 5_000;

  @Setting(
    secondsOrLess(0.1, 3_600),
    'CIRCUIT_PROBE_TIMEOUT',
    'how long such a call may take if it has no time-out of its own',
  )
  probeTimeout = 30_000;
}
