import { compareMode } from './compare/compare.js';
import { measureBalancing, unevenTasksMode } from './coordination/balancing.js';
import { measureBreaker } from './coordination/breaker.js';
import { measureElections } from './coordination/election.js';
import { measurePipeline } from './coordination/pipeline.js';
import { measureHeartbeats, measureRegistry } from './coordination/registry.js';
import { measureScaling } from './coordination/scaling.js';
import { measureTakeOver } from './coordination/take-over.js';
import { tasksMode } from './coordination/tasks.js';
import { tasksOverHttpMode } from './coordination/tasks-http.js';
import { measureTree } from './coordination/tree.js';
import { consoleMode } from './measures/console.js';
import { historyMode } from './measures/history.js';
import { idleMode, startMode } from './measures/idle.js';
import { latencyMode } from './measures/latency.js';
import { memoryMode } from './measures/memory.js';
import { measureReplay } from './measures/replay.js';
import { telemetryMode } from './measures/telemetry.js';
import { workersMode } from './measures/workers.js';
import { type Mode, told } from './mode.js';

/** What `--quick` runs: all that the ratios are made of. */
export const quickModes: readonly Mode[] = [compareMode, workersMode];

/** What the whole bench runs. */
export const fullModes: readonly Mode[] = [
  ...quickModes,
  latencyMode,
  memoryMode,
  startMode,
  idleMode,
  historyMode,
  telemetryMode,
];

/** What `--tasks` runs. */
export const tasksModes: readonly Mode[] = [tasksMode, unevenTasksMode, tasksOverHttpMode];

/** Replay, and coordination: they answer tables of their own. */
const furtherModes: readonly Mode[] = [
  consoleMode,
  {
    name: 'heartbeats',
    about: 'how many of the heartbeats go out that are due at the shortest interval',
    counts: { what: 'agents', standard: 200 },
    run: async ({ count, report }) => told(await measureHeartbeats(count, report)),
  },
  {
    name: 'replay',
    about: 'how fast messages are replayed that a wiped broker lost',
    counts: { what: 'messages', standard: 100_000 },
    run: async ({ count, report }) => told(await measureReplay(count, report)),
  },
  {
    name: 'registry',
    about: 'what the heartbeats of agents cost, and how fast one more is known',
    counts: { what: 'agents', standard: 200 },
    run: async ({ count, report }) => told(await measureRegistry(count, report)),
  },
  {
    name: 'election',
    about: 'how fast another process leads when the leader dies, and what deposed leaders write',
    run: async ({ report }) => told(await measureElections(report)),
  },
  {
    name: 'breaker',
    about: 'where requests go when one of three specialists fails, and which callers see an error',
    run: async ({ report }) => told(await measureBreaker(report)),
  },
  {
    name: 'scaling',
    about: 'workers that come with a backlog of slow tasks, and go when it is done',
    run: async ({ report }) => told(await measureScaling(report)),
  },
  {
    name: 'take-over',
    about: 'how fast tasks go on when the leading coordinator, or a worker, is killed',
    run: async ({ rounds, report }) => told(await measureTakeOver(rounds, report)),
  },
  {
    name: 'tree',
    about: 'work that goes down a tree of 40 agents, with a lead killed, and cancelled at the top',
    run: async ({ rounds, report }) => told(await measureTree(rounds, report)),
  },
  {
    name: 'pipeline',
    about: 'runs through four stages of different cost, and what waits between them',
    run: async ({ rounds, report }) => told(await measurePipeline(rounds, report)),
  },
  {
    name: 'balancing',
    about: 'strategies with four workers, one of which is five times slower',
    run: async ({ rounds, report }) => told(await measureBalancing(rounds, report)),
  },
];

export const allModes: readonly Mode[] = [...fullModes, ...tasksModes, ...furtherModes];
