import { type Team } from 'agentmq/agent';
import { Agent } from 'agentmq';
import type { VoteRequest } from 'agentmq/coordination';
import { type Ballot, Consensus, Vote } from 'agentmq/coordination';
import { ProtocolFailedError } from './errors.js';
import { MemberModule } from './member.module.js';
import type { Narrator } from './narrator.js';
import { readStrikes } from './strikes.js';

/** How many rows of the table each agent looks at. */
const SAMPLE = 40;
/** The question put to the vote. */
const LIMIT = 0.1;
const SUBJECT = `fewer than ${LIMIT * 100} % of bird strikes do damage`;

/** What one agent saw of the table, which is a part of it of its own. */
class Sample {
  constructor(
    readonly damaged: number,
    readonly tell: (text: string) => void,
  ) {}

  /** An agent whose rows would say otherwise with one case more or less has no opinion. */
  judge(): Ballot {
    const limit = SAMPLE * LIMIT;
    const reason = `${this.damaged} of ${SAMPLE} strikes in its sample did damage`;
    if (this.damaged === limit) return { choice: 'abstain', reason };
    return { choice: this.damaged < limit ? 'for' : 'against', reason };
  }
}

@Agent({ role: 'voter' })
class VoterAgent {
  constructor(private readonly sample: Sample) {}

  @Vote()
  vote(_: VoteRequest): Ballot {
    const ballot = this.sample.judge();
    this.sample.tell(`votes ${ballot.choice}: ${ballot.reason}`);
    return ballot;
  }
}

/**
 * Each agent sees rows of its own of a public table, and votes by them on a statement about the whole. Rejects with
 * `ProtocolFailedError` when too few took part for a decision.
 */
export async function consensus(team: Team, agents: number, narrator: Narrator): Promise<void> {
  const names = Array.from({ length: agents }, (_, n) => `agent-${n + 1}`);
  const samples = await drawSamples(agents);
  const [first = ''] = names;
  const apps = [];
  for (const [n, name] of names.entries()) {
    const sample = new Sample(samples[n] ?? 0, (text) => narrator.tell(name, text));
    apps.push(await team.add(name, MemberModule.of(VoterAgent, sample)));
    narrator.tell(name, `has looked at ${SAMPLE} rows of its own`);
  }
  const [proposer] = apps as [(typeof apps)[number]];
  narrator.tell(first, `proposes to all ${agents}: ${SUBJECT}`);
  const { outcome, tally } = await proposer
    .get(Consensus)
    .collectVotes({ subject: SUBJECT }, { electorate: names.map((name) => team.idOf(name)), rule: 'majority' });
  narrator.tell(
    first,
    `learns that the proposal is ${outcome.replace('_', ' ')}: ${tally.for} for, ${tally.against} against, ${tally.abstain} abstained`,
  );
  if (outcome === 'no_quorum') throw new ProtocolFailedError('too few agents took part in the vote');
}

/** How many damaging strikes each agent sees: its rows are spread over the whole table. */
async function drawSamples(agents: number): Promise<number[]> {
  const strikes = await readStrikes();
  return Array.from({ length: agents }, (_, agent) => {
    const step = Math.floor(strikes.length / SAMPLE);
    const own = Array.from({ length: SAMPLE }, (__, n) => strikes[(n * step + agent * 17) % strikes.length]);
    return own.filter((strike) => strike?.isDamaging).length;
  });
}
