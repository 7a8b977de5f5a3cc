import type { Type } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent, AgentRegistry, Contract, Ctx } from 'agentmq';
import { Delegation, Task, TaskContext, Tasks } from 'agentmq/coordination';
import { IsInt } from 'class-validator';
import { mustEqual, mustHold } from './errors.js';
import { MemberModule } from './member.module.js';
import type { Narrator } from './narrator.js';
import { splitEvenly, StrikeSlice } from './slices.js';
import { grouped, readStrikes, type Strike, totalOf } from './strikes.js';
import { patiently, Watch } from './watch.js';

const TITLES = ['CEO', 'manager', 'lead', 'worker'] as const;
type Title = (typeof TITLES)[number];
/** A manager has three leads, and a lead three workers, as far as there are as many. */
const SPAN = 3;
/** How long the whole may take, in ms. */
const DEADLINE_MS = 120_000;

@Contract({ type: 'branch_report' })
class BranchReport {
  @IsInt()
  strikes!: number;

  @IsInt()
  damaging!: number;

  /** In whole dollars. */
  @IsInt()
  cost!: number;
}

interface Post {
  readonly name: string;
  readonly title: Title;
  readonly superior: Post | undefined;
  readonly reports: Post[];
}

/** One agent at its post. */
class Office {
  /** The tasks that it was given. */
  readonly tasks: string[] = [];

  constructor(
    readonly post: Post,
    /** The capability of the agents that report to it. */
    readonly capability: string,
    readonly strikes: readonly Strike[],
    readonly tell: (text: string) => void,
  ) {}
}

function officerOf(capabilities: readonly string[]): Type {
  @Agent({ role: 'officer', capabilities })
  class OfficerAgent {
    constructor(
      private readonly delegation: Delegation,
      private readonly office: Office,
    ) {}

    @Task(StrikeSlice)
    async report(slice: StrikeSlice, @Ctx() { task }: TaskContext): Promise<BranchReport> {
      const { post, capability, strikes, tasks, tell } = this.office;
      if (task) tasks.push(task.id);
      const rows = `rows ${grouped(slice.from + 1)} to ${grouped(slice.to)}`;
      if (post.reports.length === 0) {
        tell(`looks at ${rows}`);
        return lookAt(strikes.slice(slice.from, slice.to));
      }
      const pieces = splitEvenly(slice, post.reports.length);
      tell(`delegates ${rows}: ${countOf(pieces.length, post.reports[0] as Post)}`);
      const { results } = await this.delegation.delegate(StrikeSlice, pieces, {
        to: { capability },
        answer: BranchReport,
      });
      const report = sumOf(results);
      tell(`reports ${grouped(report.strikes)} strikes, ${grouped(report.damaging)} of which did damage`);
      return report;
    }
  }
  return OfficerAgent;
}

/**
 * A CEO delegates to managers, managers to leads, leads to workers, which look at the rows. The reports are summed up on the way
 * back. Rejects with `ProtocolFailedError` unless it is as in the whole table, and each worker's task came to it by its own
 * superiors, with less time at each step.
 */
export async function delegation(team: Team, agents: number, narrator: Narrator): Promise<void> {
  const strikes = await readStrikes();
  const offices: Office[] = [];
  const [ceo, ...others] = hierarchyOf(agents) as [Post, ...Post[]];
  const capabilityOf = ({ name }: Post): string => team.idOf(`reports-to-${name}`);
  const officeOf = (post: Post): Office => {
    const office = new Office(post, capabilityOf(post), strikes, (text) => narrator.tell(post.name, text));
    offices.push(office);
    office.tell(post.superior ? `is a ${post.title}, and reports to ${post.superior.name}` : `is the ${post.title}`);
    return office;
  };
  const app = await team.add(ceo.name, MemberModule.coordinating(officerOf([]), officeOf(ceo)));
  const registry = app.get(AgentRegistry);
  const watch = new Watch();
  const watching = registry.events.subscribe(() => watch.changed());
  for (const post of others) {
    const office = officeOf(post);
    const officer = officerOf(post.superior ? [capabilityOf(post.superior)] : []);
    await team.add(post.name, MemberModule.of(officer, office));
  }
  // the leader hears of an agent a little after that has started
  await watch.until('all officers', () =>
    others.every(({ name }) => registry.find({ id: team.idOf(name) }).length > 0),
  );
  watching.unsubscribe();

  const tasks = app.get(Tasks);
  const report = await patiently('the report', (signal) =>
    tasks.run(
      StrikeSlice,
      { from: 0, to: strikes.length },
      { to: { agent: team.idOf(ceo.name) }, deadline: DEADLINE_MS, answer: BranchReport, signal },
    ),
  );
  for (const { post, tasks: given } of offices.filter(({ post: { title } }) => title === 'worker'))
    for (const id of given) await checkPath(team, tasks, post, id, narrator);
  const whole = lookAt(strikes);
  for (const what of ['strikes', 'damaging', 'cost'] as const) mustEqual(what, report[what], whole[what]);
  narrator.tell(ceo.name, `has the report, as it is in the whole table: ${grouped(report.cost)} dollars of damage`);
}

/** Ranks from the CEO down, each dealt out evenly to the rank above. */
function hierarchyOf(agents: number): Post[] {
  const perManager = 1 + SPAN + SPAN * SPAN;
  const managers = Math.max(1, Math.round((agents - 1) / perManager));
  const leads = Math.max(1, Math.round((SPAN * (agents - 1)) / perManager));
  const sizes = [1, managers, leads, agents - 1 - managers - leads];
  const posts: Post[] = [];
  let above: Post[] = [];
  for (const [rank, size] of sizes.entries()) {
    const posted = Array.from({ length: size }, (_, n): Post => {
      const name = `agent-${posts.length + n + 1}`;
      return { name, title: TITLES[rank] as Title, superior: above[n % above.length], reports: [] };
    });
    for (const post of posted) post.superior?.reports.push(post);
    posts.push(...posted);
    above = posted;
  }
  return posts;
}

/** Checks which agents have passed on a worker's task, and that each had less time than the one above it. */
async function checkPath(team: Team, tasks: Tasks, worker: Post, id: string, narrator: Narrator): Promise<void> {
  const chain = chainTo(worker).join(' > ');
  const path = (await tasks.path(id)).map((agent) => team.nameOf(agent)).join(' > ');
  mustHold(path === chain, `a task of ${worker.name} came by ${path}, and not by ${chain}`);
  let part = await tasks.find(id);
  while (part?.parentId) {
    const parent = await tasks.find(part.parentId);
    mustHold(parent !== undefined && part.deadline < parent.deadline, `${path}: a part had as much time as the whole`);
    part = parent;
  }
  narrator.tell(worker.name, `did it by ${path}`);
}

const chainTo = ({ name, superior }: Post): string[] => (superior ? [...chainTo(superior), name] : [name]);

const countOf = (count: number, { title }: Post): string => `${count} ${title}${count === 1 ? '' : 's'}`;

const lookAt = (strikes: readonly Strike[]): BranchReport => ({
  strikes: strikes.length,
  damaging: strikes.filter(({ isDamaging }) => isDamaging).length,
  cost: totalOf(strikes.map(({ cost }) => cost)),
});

const sumOf = (reports: readonly BranchReport[]): BranchReport => ({
  strikes: totalOf(reports.map(({ strikes }) => strikes)),
  damaging: totalOf(reports.map(({ damaging }) => damaging)),
  cost: totalOf(reports.map(({ cost }) => cost)),
});
