import type { INestApplicationContext } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { AgentSettings } from 'agentmq';
import { Broker } from 'agentmq/broker';
import { DeposedError, type ElectionGroup, Elections } from 'agentmq/coordination';
import { filter, firstValueFrom, map, merge, startWith, timeout } from 'rxjs';
import { ProtocolFailedError } from './errors.js';
import { MemberModule } from './member.module.js';
import type { Narrator } from './narrator.js';

/** The longest an election may take, in election time-outs. */
const PATIENCE = 20;

interface Member {
  readonly name: string;
  readonly id: string;
  readonly app: INestApplicationContext;
  readonly group: ElectionGroup;
}

/**
 * Agents elect a leader, which writes and is killed. The other agents elect the next leader, and a late write of the killed one
 * is refused. Rejects with `ProtocolFailedError` if any of this does not happen.
 */
export async function leaderElection(team: Team, agents: number, narrator: Narrator): Promise<void> {
  const groupName = team.idOf('run');
  const members: Member[] = [];
  const nameOf = (id: string): string => members.find((member) => member.id === id)?.name ?? id;
  for (let n = 1; n <= agents; n++) {
    const name = `agent-${n}`;
    const app = await team.add(name, MemberModule.of());
    const group = await app.get(Elections).join(groupName, {
      onElected: ({ term }) => narrator.tell(name, `is elected: leads in term ${term}`),
      onDeposed: (term, reason) => narrator.tell(name, `does not lead any more in term ${term}: ${reason}`),
    });
    members.push({ name, id: team.idOf(name), app, group });
    narrator.tell(name, 'has joined the group');
    group.changes.subscribe(({ role, leader, term }) => {
      if (role === 'follower' && leader) narrator.tell(name, `follows ${nameOf(leader)} in term ${term}`);
    });
  }

  const first = await agreedLeader(members);
  const oldTerm = first.group.state.term;
  await first.group.fence(oldTerm, (transaction) => transaction.query('SELECT 1'));
  narrator.tell(first.name, `has written as the leader of term ${oldTerm}`);

  // To the other agents it is as dead as a killed process. Only its database connection, the dangerous part, is left.
  narrator.tell(first.name, 'is killed: cut from the message bus without a word');
  await first.app.get(Broker, { strict: false }).close(0);
  const rest = members.filter((member) => member !== first);
  const next = await agreedLeader(rest);
  const newTerm = next.group.state.term;
  if (newTerm <= oldTerm) throw new ProtocolFailedError(`term ${newTerm} came after term ${oldTerm}`);
  await next.group.fence(newTerm, (transaction) => transaction.query('SELECT 1'));
  narrator.tell(next.name, `has written as the leader of term ${newTerm}`);

  const late = await first.group
    .fence(oldTerm, (transaction) => transaction.query('SELECT 1'))
    .then(() => undefined)
    .catch((error: unknown) => error);
  if (!(late instanceof DeposedError))
    throw new ProtocolFailedError(`${first.name} was deposed and could write`, { cause: late });
  narrator.tell(first.name, `tried to write in term ${oldTerm}, and was refused`);
}

/** Resolves when all of them follow one of them in one term. */
async function agreedLeader(members: readonly Member[]): Promise<Member> {
  const [{ app }] = members as [Member];
  const longest = app.get(AgentSettings).coordination.electionTimeout * PATIENCE;
  const agreed = (): Member | undefined => {
    const states = members.map(({ group }) => group.state);
    const leader = members.find(({ group }) => group.state.isLeader);
    const same = states.every(({ leader: id, term }) => id === leader?.id && term === leader?.group.state.term);
    return same ? leader : undefined;
  };
  return firstValueFrom(
    merge(...members.map(({ group }) => group.changes)).pipe(
      startWith(undefined),
      map(agreed),
      filter((leader) => leader !== undefined),
      timeout({
        first: longest,
        with: () => {
          throw new ProtocolFailedError(`no leader that all follow within ${longest / 1_000} s`);
        },
      }),
    ),
  );
}
