import { setTimeout as pause } from 'node:timers/promises';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent, type AgentSettings, Contract, Ctx } from 'agentmq';
import { Broker } from 'agentmq/broker';
import { Task, TaskContext, Tasks } from 'agentmq/coordination';
import { IsInt, IsString } from 'class-validator';
import { mustEqual, mustHold } from './errors.js';
import { MemberModule } from './member.module.js';
import type { Narrator } from './narrator.js';
import { splitEvenly, StrikeSlice } from './slices.js';
import { grouped, readStrikes, type Strike, totalOf } from './strikes.js';
import { patiently } from './watch.js';

const LEAST_TASKS = 60;
const TASKS_PER_WORKER = 6;
/** How long workers take over a task, in ms: one after the other, and again from the first. */
const PACES = [10, 20, 40, 80, 160];
/** A worker is cut off when it has begun this many tasks. */
const CUT_AT = 2;
@Contract({ type: 'slice_costs' })
class SliceCosts {
  /** The worker that added them up. */
  @IsString()
  by!: string;

  @IsInt()
  strikes!: number;

  /** In whole dollars. */
  @IsInt()
  cost!: number;
}

/** One worker: how quick it is, what it has begun, and how it is cut off. */
class Workbench {
  begun = 0;
  /** Called with a task that it has begun, once; it goes on with it when that has resolved. */
  cutOff: ((taskId: string) => Promise<void>) | undefined;

  constructor(
    readonly name: string,
    readonly pace: number,
    private readonly strikes: readonly Strike[],
  ) {}

  async addUp(taskId: string, { from, to }: StrikeSlice): Promise<SliceCosts> {
    this.begun++;
    if (this.begun === CUT_AT) await this.cutOff?.(taskId);
    await pause(this.pace);
    const slice = this.strikes.slice(from, to);
    return { by: this.name, strikes: slice.length, cost: totalOf(slice.map(({ cost }) => cost)) };
  }
}

/** Those of this run alone have the capability. */
function adderOf(capability: string): Type {
  @Agent({ role: 'adder', capabilities: [capability], concurrency: 1 })
  class AdderAgent {
    constructor(private readonly bench: Workbench) {}

    @Task(StrikeSlice)
    addUp(slice: StrikeSlice, @Ctx() { task }: TaskContext): Promise<SliceCosts> {
      return this.bench.addUp(task?.id ?? '', slice);
    }
  }
  return AdderAgent;
}

/**
 * So that a worker that is cut off is missed soon. The more agents there are, the rarer heartbeats have to be, since each costs.
 */
function registryFor(agents: number): AgentSettings['registry'] {
  const heartbeatInterval = Math.max(1_000, agents * 50);
  return { heartbeatInterval, agentTimeout: 3 * heartbeatInterval };
}

interface Worker {
  readonly name: string;
  readonly bench: Workbench;
  readonly app: INestApplicationContext;
}

/**
 * One agent assigns tasks to workers of different speeds. One worker is cut off in the middle of a task, and other workers
 * take over its tasks. Rejects with `ProtocolFailedError` unless every task is done and the results add up to the whole.
 */
export async function taskDistribution(team: Team, agents: number, narrator: Narrator): Promise<void> {
  const strikes = await readStrikes();
  const registry = registryFor(agents);
  const coordinator = await team.add('agent-1', MemberModule.coordinating(), {
    registry,
  });
  narrator.tell('agent-1', 'coordinates');
  const capability = team.idOf('adding');
  const adder = adderOf(capability);
  const workers: Worker[] = [];
  for (let n = 1; n < agents; n++) {
    const name = `agent-${n + 1}`;
    const bench = new Workbench(name, PACES[(n - 1) % PACES.length] ?? 0, strikes);
    const app = await team.add(name, MemberModule.of(adder, bench), { registry });
    narrator.tell(name, `works: ${bench.pace} ms for a task`);
    workers.push({ name, bench, app });
  }

  const lost = workers.at(-1) as Worker;
  const { inHand, letGoOn } = cutOffInTheMiddle(lost, narrator);
  const tasks = coordinator.get(Tasks);
  const slices = splitEvenly({ from: 0, to: strikes.length }, Math.max(LEAST_TASKS, TASKS_PER_WORKER * workers.length));
  const ids = await tasks.submitAll(StrikeSlice, slices, { to: { capability } });
  narrator.tell('agent-1', `submits ${ids.length} tasks, for any able agent`);
  const results = await patiently('all tasks being done', (signal) =>
    Promise.all(ids.map((id) => tasks.result(id, { answer: SliceCosts, signal }))),
  );

  for (const { name, bench } of workers) {
    const own = results.filter(({ by }) => by === name).length;
    narrator.tell(name, `has done ${own} of ${ids.length} tasks, in ${bench.pace} ms each`);
  }
  const heir = await takenOver(team, tasks, await inHand, lost, narrator);
  mustEqual('strikes', totalOf(results.map((result) => result.strikes)), strikes.length);
  const cost = totalOf(strikes.map((strike) => strike.cost));
  mustEqual('dollars', totalOf(results.map((result) => result.cost)), cost);
  narrator.tell('agent-1', `all ${ids.length} tasks add up to the whole table: ${grouped(cost)} dollars`);

  letGoOn();
  await team.stopAgents();
  const late = await tasks.find(await inHand);
  mustHold(late?.agentId === team.idOf(heir), `${lost.name} came late, and its result was recorded`);
  narrator.tell(lost.name, `has ended its task late, and is not listened to: the result of ${heir} stands`);
}

/** To the other agents it is as dead as a killed process. Only its database connection, the dangerous part, is left. */
function cutOffInTheMiddle(
  { name, bench, app }: Worker,
  narrator: Narrator,
): { readonly inHand: Promise<string>; readonly letGoOn: () => void } {
  let letGoOn = (): void => {};
  const released = new Promise<void>((resolve) => (letGoOn = resolve));
  const inHand = new Promise<string>((resolve) => {
    bench.cutOff = async (taskId) => {
      narrator.tell(name, `is cut from the message bus without a word, with its ${CUT_AT}nd task in its hands`);
      await app.get(Broker, { strict: false }).close(0);
      resolve(taskId);
      await released;
    };
  });
  return { inHand, letGoOn };
}

/** The name of the worker that has done the task that the lost worker had in its hands. */
async function takenOver(team: Team, tasks: Tasks, inHand: string, lost: Worker, narrator: Narrator): Promise<string> {
  const record = await tasks.find(inHand);
  const heir = team.nameOf(record?.agentId ?? '');
  mustHold(
    heir !== lost.name && record?.state === 'completed',
    `no agent took over what ${lost.name} had in its hands`,
  );
  narrator.tell(heir, `has taken over what ${lost.name} had in its hands (attempt ${record?.attempt})`);
  return heir;
}
