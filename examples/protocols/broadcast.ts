import { type Team } from 'agentmq/agent';
import { Agent, AgentClient, Contract, Ctx, Handle, MessageContext } from 'agentmq';
import { IsInt, IsString } from 'class-validator';
import { mustEqual, mustHold } from './errors.js';
import { MemberModule } from './member.module.js';
import type { Narrator } from './narrator.js';
import { byFrequency, deal, readStrikes, type Strike, totalOf } from './strikes.js';
import { Watch } from './watch.js';

@Contract({ type: 'airport_warning' })
class AirportWarning {
  /** Agents of other runs hear it too. */
  @IsString()
  run!: string;

  @IsString()
  airport!: string;
}

@Contract({ type: 'warning_confirmed' })
class WarningConfirmed {
  /** How many strikes the confirming agent has on record for the airport. */
  @IsInt()
  strikes!: number;
}

/** One agent's rows, and what was confirmed to it. */
class Desk {
  /** How often it heard the warning. */
  heard = 0;
  readonly confirmed: { readonly by: string; readonly strikes: number }[] = [];

  constructor(
    readonly run: string,
    private readonly own: readonly Strike[],
    readonly watch: Watch,
    readonly tell: (text: string) => void,
  ) {}

  strikesAt(airport: string): number {
    return this.own.filter((strike) => strike.airport === airport).length;
  }
}

@Agent({ role: 'listener' })
class ListenerAgent {
  constructor(
    private readonly agents: AgentClient,
    private readonly desk: Desk,
  ) {}

  @Handle(AirportWarning)
  async onWarning({ run, airport }: AirportWarning, @Ctx() { message }: MessageContext): Promise<void> {
    if (run !== this.desk.run) return;
    this.desk.heard++;
    const strikes = this.desk.strikesAt(airport);
    this.desk.tell(`has heard it, and confirms: ${strikes} strikes there among its own`);
    await this.agents.send({ agent: message.sender }, WarningConfirmed, { strikes });
  }

  @Handle(WarningConfirmed)
  onConfirmed({ strikes }: WarningConfirmed, @Ctx() { message }: MessageContext): void {
    this.desk.confirmed.push({ by: message.sender, strikes });
    this.desk.watch.changed();
  }
}

interface Member {
  readonly name: string;
  readonly desk: Desk;
  readonly client: AgentClient;
}

/**
 * One agent tells all, itself included, of the airport with the most bird strikes; each confirms with what it knows of it.
 * Rejects with `ProtocolFailedError` unless all confirm, once, and it adds up to the whole.
 */
export async function broadcast(team: Team, agents: number, narrator: Narrator): Promise<void> {
  const strikes = await readStrikes();
  const [airport = ''] = byFrequency(strikes.map((strike) => strike.airport));
  const members: Member[] = [];
  for (const [n, own] of deal(strikes, agents).entries()) {
    const name = `agent-${n + 1}`;
    const desk = new Desk(team.idOf('run'), own, new Watch(), (text) => narrator.tell(name, text));
    const app = await team.add(name, MemberModule.of(ListenerAgent, desk));
    members.push({ name, desk, client: app.get(AgentClient) });
    narrator.tell(name, 'listens');
  }

  const [first, ...others] = members as [Member, ...Member[]];
  const { confirmed, run, watch } = first.desk;
  narrator.tell(first.name, `warns all ${agents} of ${airport}`);
  await first.client.broadcast(AirportWarning, { run, airport });
  await watch.until('a confirmation by all', () => confirmed.length >= agents);

  const by = confirmed.map((each) => team.nameOf(each.by)).toSorted();
  mustHold(new Set(by).size === agents, `all ${agents} were to confirm, once; it was ${by.join(', ')}`);
  for (const { name, desk } of members) mustHold(desk.heard === 1, `${name} has heard it ${desk.heard} times`);
  for (const { name, desk } of others) mustHold(desk.confirmed.length === 0, `${name} got what ${first.name} was due`);
  const found = totalOf(confirmed.map((each) => each.strikes));
  mustEqual(`strikes at ${airport}`, found, strikes.filter((strike) => strike.airport === airport).length);
  narrator.tell(first.name, `has the word of all ${agents}: ${found} strikes at ${airport}, as in the whole table`);
}
