import type { Type } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent, AgentClient, Contract, Handle, Subscribe } from 'agentmq';
import { IsInt, IsString } from 'class-validator';
import { mustHold } from './errors.js';
import { MemberModule } from './member.module.js';
import type { Narrator } from './narrator.js';
import { byFrequency, readStrikes, type Strike } from './strikes.js';
import { Watch } from './watch.js';

/** One row in so many is published. */
const STEP = 100;

@Contract({ type: 'strike_report' })
class StrikeReport {
  /** Agents of other runs hear it too. */
  @IsString()
  run!: string;

  @IsInt()
  row!: number;
}

/** Sent to each subscriber after the last report, so that whatever was to come has come before. */
@Contract({ type: 'end_of_reports' })
class EndOfReports {
  @IsInt()
  published!: number;
}

/** What one agent has received. */
class Clippings {
  readonly rows: number[] = [];
  isComplete = false;

  constructor(
    readonly run: string,
    readonly watch: Watch,
  ) {}
}

/** What an agent subscribes to, and which strikes are to come to it by that. */
interface Interest {
  readonly pattern: string;
  readonly wants: (strike: Strike) => boolean;
}

interface Subscriber {
  readonly name: string;
  readonly interest: Interest;
  readonly clippings: Clippings;
}

/** One message after the other: what is sent to it after the reports comes after them. */
function subscriberOf(pattern: string): Type {
  @Agent({ role: 'subscriber', concurrency: 1 })
  class SubscriberAgent {
    constructor(private readonly clippings: Clippings) {}

    @Subscribe(pattern, StrikeReport, { scope: 'instance' })
    onReport({ run, row }: StrikeReport): void {
      if (run !== this.clippings.run) return;
      this.clippings.rows.push(row);
      this.clippings.watch.changed();
    }

    @Handle(EndOfReports)
    onEnd(): void {
      this.clippings.isComplete = true;
      this.clippings.watch.changed();
    }
  }
  return SubscriberAgent;
}

/**
 * One agent publishes strikes to topics `strikes.<state>.<size>`; the other agents subscribe to all of them, to a state, or to a
 * size. Rejects with `ProtocolFailedError` unless each gets what it has subscribed to, once, and nothing else.
 */
export async function publishSubscribe(team: Team, agents: number, narrator: Narrator): Promise<void> {
  const strikes = (await readStrikes()).filter((_, n) => n % STEP === 0);
  const run = team.idOf('run');
  const watch = new Watch();
  const publisher = await team.add('agent-1', MemberModule.of());
  const subscribers: Subscriber[] = [];
  for (const [n, interest] of interestsIn(strikes, agents - 1).entries()) {
    const name = `agent-${n + 2}`;
    const clippings = new Clippings(run, watch);
    await team.add(name, MemberModule.of(subscriberOf(interest.pattern), clippings));
    subscribers.push({ name, interest, clippings });
    narrator.tell(name, `subscribes to ${interest.pattern}`);
  }

  const client = publisher.get(AgentClient);
  await Promise.all(strikes.map((strike, row) => client.publish(topicOf(strike), StrikeReport, { run, row })));
  const topics = new Set(strikes.map(topicOf)).size;
  narrator.tell('agent-1', `has published ${strikes.length} strikes to ${topics} topics`);
  await watch.until('all that was published', () =>
    subscribers.every(({ interest, clippings }) => clippings.rows.length >= strikes.filter(interest.wants).length),
  );
  for (const { name } of subscribers)
    await client.send({ agent: team.idOf(name) }, EndOfReports, { published: strikes.length });
  await watch.until('the end of the reports', () => subscribers.every(({ clippings }) => clippings.isComplete));

  for (const { name, interest, clippings } of subscribers) {
    const got = clippings.rows.toSorted((a, b) => a - b);
    const due = [...strikes.keys()].filter((row) => interest.wants(strikes[row] as Strike));
    mustHold(
      got.join() === due.join(),
      `${name} subscribed to ${interest.pattern}: ${due.length} strikes, and got ${got.length}, or others`,
    );
    narrator.tell(name, `has got ${got.length} of ${strikes.length}: each that it subscribed to, once, and no other`);
  }
}

/** All, the state with the most strikes, the large birds, and then one state after the other. */
function interestsIn(strikes: readonly Strike[], agents: number): Interest[] {
  const states = byFrequency(strikes.map(({ state }) => state));
  const interests: Interest[] = [
    { pattern: 'strikes.#', wants: () => true },
    ...states.map((state) => ({
      pattern: `strikes.${wordOf(state)}.*`,
      wants: (strike: Strike) => strike.state === state,
    })),
  ];
  interests.splice(2, 0, { pattern: 'strikes.*.large', wants: ({ size }) => size === 'large' });
  return Array.from({ length: agents }, (_, n) => interests[n % interests.length] as Interest);
}

const topicOf = ({ state, size }: Strike): string => `strikes.${wordOf(state)}.${size}`;
const wordOf = (state: string): string => state.toLowerCase().replaceAll(' ', '_');
