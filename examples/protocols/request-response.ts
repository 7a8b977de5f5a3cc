import { type Team } from 'agentmq/agent';
import { Agent, AgentClient, Contract, Ctx, Handle, MessageContext, NoRecipientError } from 'agentmq';
import { IsIn, IsInt, IsString } from 'class-validator';
import { mustEqual, mustHold, ProtocolFailedError } from './errors.js';
import { MemberModule } from './member.module.js';
import type { Narrator } from './narrator.js';
import { deal, grouped, readStrikes, type Strike, totalOf } from './strikes.js';

const MEASURES = ['strikes', 'damaging', 'cost'] as const;
type Measure = (typeof MEASURES)[number];

@Contract({ type: 'strike_question' })
class StrikeQuestion {
  @IsIn(MEASURES)
  about!: Measure;
}

@Contract({ type: 'strike_answer' })
class StrikeAnswer {
  @IsIn(MEASURES)
  about!: Measure;

  /** The agent that answered. */
  @IsString()
  by!: string;

  @IsInt()
  value!: number;
}

/** What one agent knows: rows of its own. */
class Knowledge {
  constructor(
    readonly name: string,
    private readonly strikes: readonly Strike[],
    readonly tell: (text: string) => void,
    readonly nameOf: (id: string) => string,
  ) {}

  answer(about: Measure): number {
    return measure(about, this.strikes);
  }
}

@Agent({ role: 'knower' })
class KnowerAgent {
  constructor(private readonly knowledge: Knowledge) {}

  @Handle(StrikeQuestion)
  answer({ about }: StrikeQuestion, @Ctx() { message }: MessageContext): StrikeAnswer {
    const value = this.knowledge.answer(about);
    this.knowledge.tell(`answers ${this.knowledge.nameOf(message.sender)}: ${about} ${grouped(value)}`);
    return { about, by: this.knowledge.name, value };
  }
}

interface Knower {
  readonly name: string;
  readonly client: AgentClient;
}

/**
 * Each agent knows a part of a public table, and asks the next one about that one's part, all at once. Rejects with
 * `ProtocolFailedError` when another agent answers, the answers do not add up to the whole, or a question to an unknown agent
 * is not refused.
 */
export async function requestResponse(team: Team, agents: number, narrator: Narrator): Promise<void> {
  const strikes = await readStrikes();
  const knowers: Knower[] = [];
  for (const [n, own] of deal(strikes, agents).entries()) {
    const name = `agent-${n + 1}`;
    const tell = (text: string) => narrator.tell(name, text);
    const knowledge = new Knowledge(name, own, tell, (id) => team.nameOf(id));
    const app = await team.add(name, MemberModule.of(KnowerAgent, knowledge));
    knowers.push({ name, client: app.get(AgentClient) });
    tell(`knows ${grouped(own.length)} of ${grouped(strikes.length)} strikes`);
  }

  const told = await Promise.all(
    knowers.map((asker, n) => ask(team, asker, knowers[(n + 1) % agents] ?? asker, narrator)),
  );
  for (const about of MEASURES) {
    const answers = told.flat().filter((answer) => answer.about === about);
    mustEqual(about, totalOf(answers.map(({ value }) => value)), measure(about, strikes));
  }
  const [first] = knowers as [Knower];
  const sums = MEASURES.map((about) => `${about} ${grouped(measure(about, strikes))}`).join(', ');
  narrator.tell(first.name, `the ${told.flat().length} answers add up to the whole table: ${sums}`);

  const refusal: unknown = await first.client
    .request({ agent: team.idOf('unknown') }, StrikeQuestion, { about: 'strikes' })
    .catch((error: unknown) => error);
  if (!(refusal instanceof NoRecipientError))
    throw new ProtocolFailedError('a question to an unknown agent was not refused', { cause: refusal });
  narrator.tell(first.name, 'asks an agent that there is not, and learns so at once');
}

/** Asks everything at once: each answer has to find its question. */
async function ask(team: Team, asker: Knower, asked: Knower, narrator: Narrator): Promise<StrikeAnswer[]> {
  narrator.tell(asker.name, `asks ${asked.name} ${MEASURES.length} things at once`);
  const to = { agent: team.idOf(asked.name) };
  const answers = await Promise.all(
    MEASURES.map((about) => asker.client.request(to, StrikeQuestion, { about }, { answer: StrikeAnswer })),
  );
  for (const [n, { about, by }] of answers.entries()) {
    mustHold(by === asked.name, `${asker.name} asked ${asked.name}, and ${by} answered`);
    mustHold(about === MEASURES[n], `${asker.name} asked about ${MEASURES[n]}, and was told about ${about}`);
  }
  narrator.tell(asker.name, `has been told by ${asked.name} what it asked`);
  return answers;
}

function measure(about: Measure, strikes: readonly Strike[]): number {
  if (about === 'strikes') return strikes.length;
  if (about === 'damaging') return strikes.filter(({ isDamaging }) => isDamaging).length;
  return totalOf(strikes.map(({ cost }) => cost));
}
