import type { Sample } from './overview.js';

/** What a list on a page shows, and may have to be read again. */
export type ChangedList =
  | 'agents'
  | 'consumers'
  | 'dead-letters'
  | 'tasks'
  | 'messages'
  | 'leaders'
  | 'pauses'
  | 'proposals'
  | 'replays'
  | 'pipelines';

export type Prints = Readonly<Record<ChangedList, string>>;

/** Of each list a text that differs when something of it has changed. */
export function printsOf(sample: Sample, replays: unknown): Prints {
  const { activity, facts, figures, agents, conditions, leaderships, pauses } = sample;
  const dead = figures.deliveries.filter(({ state }) => state === 'dead');
  const open = figures.deliveries.filter(({ state }) => state !== 'dead');
  return {
    ...facts.prints,
    agents: JSON.stringify([
      agents.map(({ id, instance, health, load, circuits }) => [id, instance, health, Math.round(load * 4), circuits]),
      conditions,
    ]),
    consumers: JSON.stringify([open, figures.refusing]),
    'dead-letters': JSON.stringify([dead, activity.dead]),
    messages: JSON.stringify([activity.newest, activity.settled]),
    leaders: JSON.stringify(leaderships),
    pauses: JSON.stringify(pauses),
    replays: JSON.stringify(replays),
  };
}

export const changesBetween = (before: Prints, after: Prints): ChangedList[] =>
  (Object.keys(after) as ChangedList[]).filter((list) => before[list] !== after[list]);
