import { type Team } from 'agentmq/agent';
import { Agent, AgentClient, Contract, Handle } from 'agentmq';
import { IsInt } from 'class-validator';
import { mustEqual, mustHold } from './errors.js';
import { MemberModule } from './member.module.js';
import type { Narrator } from './narrator.js';
import { deal, grouped, readStrikes, totalOf } from './strikes.js';
import { Watch } from './watch.js';

@Contract({ type: 'damage_claim' })
class DamageClaim {
  /** Of the claim, among all. */
  @IsInt()
  number!: number;

  /** In whole dollars. */
  @IsInt()
  cost!: number;
}

/** Sent to each agent after the last claim, so that whatever was to come has come before. */
@Contract({ type: 'end_of_claims' })
class EndOfClaims {
  @IsInt()
  claims!: number;
}

/** What one agent has received. */
class Tray {
  readonly claims: DamageClaim[] = [];
  isComplete = false;

  constructor(readonly watch: Watch) {}
}

/** One message after the other: in the order in which they come. */
@Agent({ role: 'adjuster', concurrency: 1 })
class AdjusterAgent {
  constructor(private readonly tray: Tray) {}

  @Handle(DamageClaim)
  onClaim({ number, cost }: DamageClaim): void {
    this.tray.claims.push({ number, cost });
    this.tray.watch.changed();
  }

  @Handle(EndOfClaims)
  onEnd(): void {
    this.tray.isComplete = true;
    this.tray.watch.changed();
  }
}

interface Member {
  readonly name: string;
  /** The claims that it is in charge of. */
  readonly own: readonly DamageClaim[];
  readonly tray: Tray;
  readonly client: AgentClient;
  readonly to: { readonly agent: string };
}

/**
 * One agent sends every strike that cost something, as a claim, to the agent that is in charge of it. Rejects with
 * `ProtocolFailedError` unless each gets its own, once, in the order sent, and no other.
 */
export async function direct(team: Team, agents: number, narrator: Narrator): Promise<void> {
  const costs = (await readStrikes()).map(({ cost }) => cost).filter((cost) => cost > 0);
  const claims = costs.map((cost, n): DamageClaim => ({ number: n + 1, cost }));
  const watch = new Watch();
  const members: Member[] = [];
  for (const [n, own] of [[], ...deal(claims, agents - 1)].entries()) {
    const name = `agent-${n + 1}`;
    const tray = new Tray(watch);
    const app = await team.add(name, MemberModule.of(AdjusterAgent, tray));
    members.push({ name, own, tray, client: app.get(AgentClient), to: { agent: team.idOf(name) } });
    narrator.tell(name, own.length > 0 ? `is in charge of ${own.length} of ${claims.length} claims` : 'has the claims');
  }

  const [sender] = members as [Member];
  const { client } = sender;
  await Promise.all(
    members.map(async ({ to, own }) => {
      for (const claim of own) await client.send(to, DamageClaim, claim);
    }),
  );
  narrator.tell(sender.name, `has sent ${claims.length} claims, each to the one in charge`);
  await watch.until('all claims', () => members.every(({ tray, own }) => tray.claims.length >= own.length));
  for (const { to } of members) await client.send(to, EndOfClaims, { claims: claims.length });
  await watch.until('the end of the claims', () => members.every(({ tray }) => tray.isComplete));

  for (const { name, own, tray } of members) {
    const [got, due] = [tray.claims, own].map((each) => each.map(({ number }) => number).join());
    const problem = `${tray.claims.length}, or others, or in another order`;
    mustHold(got === due, `${name} was to get ${own.length} certain claims, and got ${problem}`);
    const cost = grouped(totalOf(tray.claims.map((claim) => claim.cost)));
    if (own.length > 0) narrator.tell(name, `has got its ${own.length}, in order, and no other: ${cost} dollars`);
    else narrator.tell(name, 'has got none back');
  }
  const paid = totalOf(members.flatMap(({ tray }) => tray.claims.map(({ cost }) => cost)));
  mustEqual('dollars claimed', paid, totalOf(costs));
  narrator.tell(sender.name, `all claims together: ${grouped(paid)} dollars, as in the whole table`);
}
