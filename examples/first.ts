import type { Team } from 'agentmq/agent';
import { consensus } from './consensus.js';
import { delegation } from './delegation.js';
import { distribution } from './distribution.js';
import { election } from './election.js';
import { pipelines } from './pipelines.js';
import { registry } from './registry.js';
import { scaling } from './scaling.js';
import { tasks } from './tasks.js';

/** The first example of each page in docs/, by the name of its file: starts agents in a team, and resolves with what they came to. */
export const firstExamples = {
  consensus,
  delegation,
  distribution,
  election,
  pipelines,
  registry,
  scaling,
  tasks,
} satisfies Record<string, (team: Team) => Promise<unknown>>;
