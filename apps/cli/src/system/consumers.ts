import type { ConsumerRow, LeaderRow } from 'agentmq/operations';
import type { ListOptions } from '../command/options.js';
import { withStore } from '../command/with-store.js';
import { age, ageOf, count, printPage, stateStyle, type TableView, troubleStyle } from '../output/index.js';
import { pauseText } from './pause-text.js';
import { systemOf } from './system.js';

/** Prints what waits at each role and agent. */
export function listConsumers({ json, ...query }: ListOptions): Promise<void> {
  return withStore(async (store, settings) => {
    printPage(await systemOf(store, settings).consumers.list(query), json, consumersView);
  });
}

/** Prints which agent leads which group. */
export function listLeaders({ json, ...query }: ListOptions): Promise<void> {
  return withStore(async (store, settings) => {
    printPage(await systemOf(store, settings).leaders.list(query), json, leadersView);
  });
}

const consumersView: TableView<ConsumerRow> = {
  columns: [
    { title: 'consumer', align: 'left', least: 24, cell: ({ name }) => name },
    { title: 'agents', align: 'right', cell: ({ agents }) => count(agents) },
    { title: 'pending', align: 'right', cell: ({ pending }) => count(pending) },
    { title: 'in hand', align: 'right', optional: 1, cell: ({ processing }) => count(processing) },
    { title: 'retrying', align: 'right', optional: 1, cell: ({ retrying }) => count(retrying) },
    { title: 'dead', align: 'right', paint: troubleStyle, cell: ({ dead }) => count(dead) },
    { title: 'refused', align: 'right', optional: 3, paint: troubleStyle, cell: ({ refused }) => count(refused) },
    { title: 'oldest', align: 'right', cell: ({ oldestAgeSeconds: at }) => (at === undefined ? '-' : ageOf(at)) },
    {
      title: 'paused',
      align: 'left',
      least: 6,
      paint: stateStyle,
      cell: ({ pause }) => (pause ? pauseText(pause) : ''),
    },
    { title: 'topics', align: 'left', least: 8, optional: 2, cell: ({ subscriptions }) => subscriptions.join(', ') },
  ],
  none: 'no consumers',
};

const leadersView: TableView<LeaderRow> = {
  columns: [
    { title: 'group', align: 'left', least: 16, cell: ({ group }) => group },
    { title: 'leader', align: 'left', least: 20, cell: ({ leader }) => leader },
    { title: 'term', align: 'right', cell: ({ term }) => count(term) },
    { title: 'elected', align: 'right', cell: ({ electedAt }) => `${age(electedAt)} ago` },
    { title: 'state', align: 'left', paint: stateStyle, cell: ({ alive }) => (alive ? 'up' : 'gone') },
  ],
  none: 'no leaders: no group has elected one',
};
