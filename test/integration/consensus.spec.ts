import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { Agent, AgentIdentity, AgentRegistry, Ctx, Handle, MessageContext } from 'agentmq/agent';
import { ProposalDecided, VoteRequest } from 'agentmq/coordination';
import {
  type Ballot,
  Consensus,
  ConsensusModule,
  InvalidProposalError,
  type Proposal,
  UnknownProposalError,
  Vote,
} from 'agentmq/coordination';
import { databaseUrl, TcpProxy, testBus, until } from '../support/index.js';
import { TestSystem } from './agents.js';

/** How an agent deals with the proposals of one subject. */
type Behaviour = (request: VoteRequest, attempt: number) => Ballot | undefined | Promise<Ballot | undefined>;

const inFavour: Behaviour = () => ({ choice: 'for', reason: 'it is tested' });
const against: Behaviour = () => ({ choice: 'against', reason: 'not on a Friday' });
const abstaining: Behaviour = () => ({ choice: 'abstain' });
const silent: Behaviour = () => undefined;

const voters = ['voter-1', 'voter-2', 'voter-3', 'voter-4', 'voter-5', 'voter-6'] as const;
const WAIT_MS = 25_000;

describe('consensus', () => {
  const system = new TestSystem({
    RABBITMQ_QUEUE_TYPE: 'classic',
  });
  Object.assign(system.settings, { registry: { heartbeatInterval: 400, agentTimeout: 3_000 } });
  /** By subject, then by agent id. */
  const behaviours = new Map<string, Readonly<Record<string, Behaviour>>>();
  const decided: ProposalDecided[] = [];
  const agents = new Map<string, INestApplicationContext>();
  let boss: Consensus;
  let http: INestApplication;
  let url: string;
  let subjects = 0;

  @Agent({ role: 'voter', capabilities: ['voting'] })
  class Voter {
    constructor(private readonly identity: AgentIdentity) {}

    @Vote({ retry: { delay: 10 } })
    async consider(request: VoteRequest, @Ctx() { attempt }: MessageContext): Promise<Ballot | undefined> {
      return (behaviours.get(request.subject)?.[this.identity.id] ?? silent)(request, attempt);
    }
  }

  @Agent({ role: 'boss' })
  class Boss {}

  @Agent({ role: 'listener' })
  class Listener {
    @Handle(ProposalDecided)
    hear(outcome: ProposalDecided): void {
      decided.push(outcome);
    }
  }

  const start = async (id: string, controller: new (...args: never[]) => object, broker?: TcpProxy, db?: TcpProxy) => {
    const agent = await system.start({
      id,
      controllers: [controller],
      imports: [ConsensusModule],
      ...(broker ? { urls: [broker.through(testBus.sharedUrl())] } : {}),
      ...(db ? { databaseUrl: db.through(databaseUrl()) } : {}),
    });
    agents.set(id, agent);
    return agent;
  };
  const consensusOf = (id: string): Consensus => agents.get(id)?.get(Consensus) as Consensus;
  const subject = (votes: Record<string, Behaviour>): string => {
    const name = `proposal ${++subjects}`;
    behaviours.set(name, votes);
    return name;
  };
  const found = async (id: string): Promise<Proposal> => (await boss.find(id)) as Proposal;
  const bodyOf = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json();
  const toldOf = (id: string) => decided.filter(({ proposalId }) => proposalId === id);

  /** An agent that has registered and says nothing more. */
  const silentAgent = async (id: string): Promise<void> => {
    const registration = { id, role: 'ghost', capabilities: [], instance: `${id}-1`, version: '0', concurrency: 1 };
    await system.store.agents.register(registration);
  };

  beforeAll(async () => {
    await system.store.database.migrate();
    await Promise.all([silentAgent('ghost-1'), silentAgent('ghost-2'), silentAgent('ghost-3')]);
    await Promise.all([
      ...voters.map((id) => start(id, Voter)),
      start('boss-1', Boss),
      start('boss-2', Boss),
      start('listener-1', Listener),
    ]);
    boss = consensusOf('boss-1');
    http = await NestFactory.create(CoordinatorModule.forRoot({ settings: system.settings, store: system.store }), {
      logger: ['error', 'warn'],
    });
    await http.listen(0);
    url = await http.getUrl();
  });
  afterAll(async () => {
    await http?.close();
    await system.close();
  });

  it('approves what the majority is for, and tells everybody once', async () => {
    const name = subject({ 'voter-1': inFavour, 'voter-2': inFavour, 'voter-3': against });
    const motion = { subject: name, content: { version: 7 } };
    const { id, outcome, tally } = await boss.collectVotes(motion, { electorate: voters.slice(0, 3) });
    expect(outcome).toBe('approved');
    expect(tally.for).toBe(2);
    await until('the broadcast', () => toldOf(id).length > 0);
    await until('every vote', async () => (await found(id)).votes.length === 3);
    expect(toldOf(id)).toEqual([
      {
        proposalId: id,
        subject: name,
        proposer: 'boss-1',
        outcome: 'approved',
        tally: expect.objectContaining({ for: 2 }),
      },
    ]);
    expect(await found(id)).toMatchObject({ content: { version: 7 }, proposer: 'boss-1', role: 'boss', quorum: null });
  });

  it('rejects what the majority is against', async () => {
    const motion = { subject: subject({ 'voter-1': against, 'voter-2': against, 'voter-3': inFavour }) };
    const result = await boss.collectVotes(motion, {
      electorate: { capability: 'voting', role: 'voter', id: 'voter-1' },
    });
    expect(result).toMatchObject({
      outcome: 'rejected',
      votes: [{ voter: 'voter-1', choice: 'against', reason: 'not on a Friday', counted: true, remark: null }],
    });
  });

  it('decides early, while others have not voted', async () => {
    const motion = { subject: subject({ 'voter-1': inFavour, 'voter-2': inFavour, 'voter-3': inFavour }) };
    const { id, outcome, tally } = await boss.collectVotes(motion, {
      electorate: voters.slice(0, 5),
      timeout: 600_000,
    });
    expect(outcome).toBe('approved');
    expect(tally).toEqual({ for: 3, against: 0, abstain: 0, silent: 2 });
    const { decidedAt, closesAt } = await found(id);
    expect(decidedAt?.getTime()).toBeLessThan(closesAt.getTime());
  });

  it('counts abstentions for the quorum alone', async () => {
    const motion = { subject: subject({ 'voter-1': inFavour, 'voter-2': abstaining, 'voter-3': abstaining }) };
    const options = { electorate: voters.slice(0, 3), rule: 'two-thirds', quorum: 1 } as const;
    expect(await boss.collectVotes(motion, options)).toMatchObject({
      outcome: 'approved',
      tally: { for: 1, against: 0, abstain: 2, silent: 0 },
    });
  });

  it('weighs votes', async () => {
    const motion = { subject: subject({ 'voter-1': inFavour, 'voter-2': against, 'voter-3': against }) };
    const weights = { 'voter-1': 5, 'voter-2': 2, 'voter-3': 2 };
    const result = await boss.collectVotes(motion, { electorate: voters.slice(0, 3), rule: 'weighted', weights });
    expect(result).toMatchObject({ outcome: 'approved', tally: { for: 5 } });
  });

  it('ends without a quorum when the time is over', async () => {
    const motion = { subject: subject({}) };
    const result = await boss.collectVotes(motion, { electorate: voters.slice(0, 3), timeout: 300 });
    expect(result).toMatchObject({ outcome: 'no_quorum', tally: { for: 0, silent: 3 }, votes: [] });
  });

  it('records double, late and foreign votes without counting them', async () => {
    const motion = { subject: subject({}) };
    const id = await boss.propose(motion, { electorate: voters.slice(0, 3), timeout: 600_000 });
    const vote = (voter: string, choice: Ballot['choice']) => consensusOf(voter).vote(id, { choice, reason: choice });
    const recorded = (count: number) => until('the vote', async () => (await found(id)).votes.length === count);
    await vote('voter-1', 'against');
    await recorded(1);
    await vote('voter-1', 'for');
    await recorded(2);
    await vote('voter-5', 'for');
    await recorded(3);
    expect((await found(id)).state).toBe('open');
    await vote('voter-2', 'against');
    await recorded(4);
    await vote('voter-3', 'for');
    await recorded(5);
    expect(await found(id)).toMatchObject({
      state: 'rejected',
      tally: { for: 0, against: 2, abstain: 0, silent: 1 },
      votes: [
        { voter: 'voter-1', choice: 'against', counted: true },
        { voter: 'voter-1', choice: 'for', counted: false, remark: 'double' },
        { voter: 'voter-5', counted: false, remark: 'not_an_elector' },
        { voter: 'voter-2', choice: 'against', counted: true },
        { voter: 'voter-3', choice: 'for', counted: false, remark: 'late' },
      ],
    });
  });

  it('decides each once, though votes race with each other and with the end of the time', async () => {
    const name = subject(Object.fromEntries(voters.map((id, n) => [id, n % 3 === 0 ? against : inFavour])));
    const ids = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        boss.propose({ subject: name }, { electorate: voters, timeout: 100 + 80 * n }),
      ),
    );
    await Promise.all(ids.map((id) => boss.outcome(id)));
    await until('the broadcasts', () => ids.every((id) => toldOf(id).length > 0));
    for (const id of ids) {
      const { state: outcome, tally, votes } = await found(id);
      expect(toldOf(id)).toEqual([expect.objectContaining({ outcome, tally })]);
      const counted = votes.filter((vote) => vote.counted);
      expect(tally.for).toBe(counted.filter(({ choice }) => choice === 'for').length);
      expect(tally.for + tally.against).toBe(counted.length);
    }
  });

  it('asks a voter that fails again', async () => {
    const failing: Behaviour = (_, attempt) => {
      if (attempt === 1) throw new Error('not yet');
      return { choice: 'for', reason: `attempt ${attempt}` };
    };
    const motion = { subject: subject({ 'voter-1': failing }) };
    const { votes } = await boss.collectVotes(motion, { electorate: ['voter-1'] });
    expect(votes).toMatchObject([{ voter: 'voter-1', reason: 'attempt 2' }]);
  });

  it('ends the waiting with the reason of the signal, while the vote goes on', async () => {
    const stop = new AbortController();
    const motion = { subject: subject({}) };
    const id = await boss.propose(motion, { electorate: ['voter-1'], timeout: 600_000 });
    const waiting = boss.outcome(id, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await consensusOf('voter-1').vote(id, { choice: 'for' });
    expect(await boss.outcome(id)).toMatchObject({ outcome: 'approved' });
  });

  it('refuses what makes no sense, and names it', async () => {
    await expect(boss.propose({ subject: 'x' }, { electorate: { role: 'nobody' } })).rejects.toThrow(
      InvalidProposalError,
    );
    await expect(boss.list({ limit: 0 })).rejects.toThrow(/limit/);
    const unknown = '01999999-9999-7999-8999-999999999999';
    await expect(boss.outcome(unknown)).rejects.toThrow(UnknownProposalError);
    await expect(boss.vote('no id', { choice: 'for' })).rejects.toThrow(UnknownProposalError);
    expect(await boss.find(unknown)).toBeUndefined();
    const id = await boss.propose({ subject: subject({}) }, { electorate: ['voter-1'], timeout: 1 });
    await expect(boss.vote(id, { choice: 'maybe' as never })).rejects.toThrow(/choice/);
  });

  it('is finished by a sibling when the proposer is cut off, and the proposer learns it when it is back', async () => {
    const proxies = await Promise.all([TcpProxy.before(testBus.sharedUrl()), TcpProxy.before(databaseUrl())]);
    const [broker, db] = proxies;
    await start('boss-3', Boss, broker, db);
    const motion = { subject: subject({ 'voter-1': inFavour, 'voter-2': inFavour }) };
    const held = { electorate: ['voter-1', 'voter-2', 'voter-3', 'voter-4', 'voter-5'], timeout: 1_500 };
    // one that is decided by its votes, and one by the end of its time
    const early = await consensusOf('boss-3').propose(motion, { electorate: ['voter-1', 'voter-2'] });
    const late = await consensusOf('boss-3').propose(motion, held);
    for (const proxy of proxies) proxy.refuse();
    for (const proxy of proxies) proxy.cut();
    const waiting = consensusOf('boss-3').outcome(late);
    await until('the ends', async () => (await found(early)).decidedAt && (await found(late)).decidedAt, WAIT_MS);
    for (const proxy of proxies) await proxy.accept();
    expect(await waiting).toMatchObject({ outcome: 'no_quorum' });
    expect(await consensusOf('boss-3').outcome(early)).toMatchObject({ outcome: 'approved', tally: { for: 2 } });
    await agents.get('boss-3')?.close();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });

  it('counts what was cast in time though nobody of the proposer was there to count', async () => {
    @Agent({ role: 'hermit' })
    class Hermit {}
    let isGone = false;
    const later: Behaviour = async () => {
      await until('the hermit to be gone', () => isGone);
      return { choice: 'for' };
    };
    const motion = { subject: subject({ 'voter-1': later, 'voter-2': later }) };
    const hermit = await start('hermit-1', Hermit);
    const id = await hermit
      .get(Consensus)
      .propose(motion, { electorate: ['voter-1', 'voter-2', 'voter-3'], timeout: 4_000 });
    await hermit.close();
    isGone = true;
    const { closesAt } = await found(id);
    await until('the end of the time', async () => (await system.store.database.now()) > closesAt);
    expect((await found(id)).state).toBe('open');
    // one of the votes is long under way when the time is over
    const [vote] = await system.store.history.list({ correlationId: id, type: 'vote', limit: 1 });
    const ref = { messageId: vote?.message.messageId ?? '', consumer: 'role.hermit', copy: '' };
    const claim = { ...ref, redelivered: false, attempts: 20, alone: false };
    expect(await system.store.deliveries.claim([claim], 'another', 1_500)).toMatchObject([{ outcome: 'claimed' }]);
    const back = await start('hermit-1', Hermit);
    expect(await back.get(Consensus).outcome(id)).toMatchObject({ outcome: 'approved', tally: { for: 2, silent: 1 } });
  });

  it('does not wait for one that left while nobody of the proposer was there', async () => {
    @Agent({ role: 'recluse' })
    class Recluse {}
    const leaver = { id: 'leaver', instance: 'leaver-1' };
    await silentAgent(leaver.id);
    const away = await start('recluse-1', Recluse);
    await until(
      'it to be known',
      () => away.get(AgentRegistry).find({ id: leaver.id, health: 'any' }).length > 0,
      WAIT_MS,
    );
    const motion = { subject: subject({ 'voter-1': inFavour }) };
    const terms = { electorate: ['voter-1', leaver.id], rule: 'unanimous', quorum: 0.5, timeout: 600_000 } as const;
    const id = await away.get(Consensus).propose(motion, terms);
    await until('the vote', async () => (await found(id)).votes.length === 1, WAIT_MS);
    await away.close();
    await system.store.agents.deregister(leaver);
    const back = await start('recluse-1', Recluse);
    const { outcome, absent } = await back.get(Consensus).outcome(id);
    expect(outcome).toBe('approved');
    expect(absent).toMatchObject([{ elector: leaver.id, reason: 'stopped' }]);
    await back.close();
  });

  describe('among electors that are dead', () => {
    beforeAll(async () => {
      const registry = agents.get('boss-1')?.get(AgentRegistry) as AgentRegistry;
      await until('their deaths', () => registry.find({ id: 'ghost-1', health: 'dead' }).length > 0, WAIT_MS);
    }, WAIT_MS);

    it('waits for none that is known as dead', async () => {
      const motion = { subject: subject({ 'voter-1': inFavour, 'voter-2': abstaining }) };
      const electorate = ['voter-1', 'voter-2', 'ghost-1'];
      const result = await boss.collectVotes(motion, { electorate, rule: 'unanimous', timeout: 600_000 });
      expect(result).toMatchObject({
        outcome: 'approved',
        tally: { for: 1, abstain: 1, silent: 1 },
        absent: [{ elector: 'ghost-1', reason: 'dead', since: expect.any(Date) }],
      });
    });

    it('waits no longer for one that dies, or leaves', async () => {
      const ghosts = [0, 1].map((n) => ({ id: `late-ghost-${n}`, instance: `late-ghost-${n}-1` }));
      const [dying, leaving] = ghosts as [(typeof ghosts)[0], (typeof ghosts)[0]];
      await Promise.all(ghosts.map(({ id }) => silentAgent(id)));
      const registry = agents.get('boss-1')?.get(AgentRegistry) as AgentRegistry;
      await until('them to be known', () => ghosts.every(({ id }) => registry.find({ id, health: 'any' }).length > 0));
      const motion = { subject: subject({ 'voter-1': inFavour, 'voter-2': inFavour }) };
      const electorate = ['voter-1', 'voter-2', dying.id, leaving.id];
      const id = await boss.propose(motion, { electorate, rule: 'unanimous', quorum: 0.5, timeout: 600_000 });
      expect(await found(id)).toMatchObject({ state: 'open', absent: [] });
      await until('the votes', async () => (await found(id)).votes.length === 2);
      await system.store.agents.deregister(leaving);
      const result = await boss.outcome(id);
      expect(result).toMatchObject({ outcome: 'approved' });
      expect(result.absent.map(({ elector, reason }) => [elector, reason])).toEqual([
        [dying.id, 'dead'],
        [leaving.id, 'stopped'],
      ]);
    });

    it('counts one that comes back before the outcome', async () => {
      const motion = { subject: subject({ 'voter-1': inFavour }) };
      const id = await boss.propose(motion, { electorate: ['voter-1', 'voter-2', 'ghost-2'], timeout: 600_000 });
      expect((await found(id)).absent.map(({ elector }) => elector)).toEqual(['ghost-2']);
      const returned = await start('ghost-2', Voter);
      await until('its return', async () => (await found(id)).absent.length === 0);
      await returned.get(Consensus).vote(id, { choice: 'for' });
      expect(await boss.outcome(id)).toMatchObject({ outcome: 'approved', tally: { for: 2, silent: 1 }, absent: [] });
    });

    it('keeps the whole record of seven electors: one dead, one late, one voting twice, one abstaining', async () => {
      const twice: Behaviour = async ({ proposalId }) => {
        await consensusOf('voter-3').vote(proposalId, { choice: 'against', reason: 'the metrics look odd' });
        await until('the first vote', async () =>
          (await found(proposalId)).votes.some(({ voter }) => voter === 'voter-3'),
        );
        return { choice: 'for', reason: 'they are fine after all' };
      };
      const late: Behaviour = async ({ proposalId }) => {
        await boss.outcome(proposalId);
        return { choice: 'for', reason: 'sorry, I was busy' };
      };
      const name = 'deploy version 7 to production';
      behaviours.set(name, {
        'voter-1': inFavour,
        'voter-2': inFavour,
        'voter-3': twice,
        'voter-4': () => ({ choice: 'abstain', reason: 'not my area' }),
        'voter-5': inFavour,
        'voter-6': late,
      });
      const motion = { subject: name, content: { version: 7 } };
      const options = {
        electorate: [...voters, 'ghost-1'],
        rule: 'majority',
        quorum: 0.7,
        timeout: 600_000,
      } as const;
      const { id } = await boss.collectVotes(motion, options);
      await until('all that vote', async () => (await found(id)).votes.length === 7);
      const record = (await bodyOf(`/proposals/${id}`)) as Proposal;
      expect(record).toMatchObject({
        id,
        state: 'approved',
        subject: name,
        content: { version: 7 },
        rule: 'majority',
        quorum: 0.7,
        electorate: options.electorate.map((elector) => ({ id: elector, weight: 1 })),
        proposer: 'boss-1',
        role: 'boss',
        tally: { for: 3, against: 1, abstain: 1, silent: 2 },
        absent: [{ elector: 'ghost-1', reason: 'dead' }],
      });
      const votesOf = (voter: string) =>
        record.votes.filter((vote) => vote.voter === voter).map(({ choice, remark }) => [choice, remark]);
      expect(votesOf('voter-3')).toEqual([
        ['against', null],
        ['for', 'double'],
      ]);
      expect(votesOf('voter-4')).toEqual([['abstain', null]]);
      expect(votesOf('voter-6')).toEqual([['for', 'late']]);
      expect(votesOf('ghost-1')).toEqual([]);
    });
  });

  it('has told every outcome once', () => {
    expect(new Set(decided.map(({ proposalId }) => proposalId)).size).toBe(decided.length);
  });

  it('is shown over HTTP, in pages and by state', async () => {
    for (const vote of [inFavour, against, against]) {
      const motion = { subject: subject({ 'voter-1': vote }) };
      await boss.collectVotes(motion, { electorate: ['voter-1'] });
    }
    const page = (await bodyOf('/proposals?limit=2')) as { items: Proposal[]; next: string };
    expect(page.items).toHaveLength(2);
    const next = (await bodyOf(`/proposals?limit=1&after=${page.next}`)) as { items: Proposal[] };
    expect(next.items[0]?.id.localeCompare(page.next)).toBe(-1);
    const { items } = (await bodyOf('/proposals?state=rejected')) as { items: Proposal[] };
    expect(new Set(items.map(({ state }) => state))).toEqual(new Set(['rejected']));
    const statuses = await Promise.all(
      [
        '?state=odd',
        '?limit=0',
        '?limit=x',
        '?after=x',
        '?odd=1',
        '/x',
        '/%00',
        '/01999999-9999-7999-8999-999999999999',
      ].map(async (path) => [path, (await fetch(`${url}/proposals${path}`)).status]),
    );
    expect(statuses.map(([, status]) => status)).toEqual([400, 400, 400, 400, 400, 404, 404, 404]);
  });
});
