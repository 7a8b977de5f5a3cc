import type { FactoryProvider } from '@nestjs/common';
import { AgentRegistry, AgentSettings } from 'agentmq/agent';
import { Store } from 'agentmq/message-store';
import { MessageBus } from 'agentmq/messaging';
import { AgentList } from './agent-list.js';
import { ReplayJobs } from '../replay/replay-jobs.js';
import { ConsumerFigures } from './consumer-figures.js';
import { ConsumerList } from './consumer-list.js';
import { FactReader } from './facts.js';
import { LeaderList } from './leader-list.js';
import { LiveView } from './live-view.js';
import { QueueList } from './queue-list.js';
import { RegistryRoster, Roster } from './roster.js';

/** The views of the system in an app of AgentMQ's. */
export const systemViews: readonly FactoryProvider[] = [
  { provide: Roster, useFactory: (registry: AgentRegistry) => new RegistryRoster(registry), inject: [AgentRegistry] },
  { provide: FactReader, useFactory: (store: Store) => new FactReader(store), inject: [Store] },
  { provide: ConsumerFigures, useFactory: ({ history }: Store) => new ConsumerFigures(history), inject: [Store] },
  {
    provide: LiveView,
    useFactory: (
      store: Store,
      roster: Roster,
      figures: ConsumerFigures,
      facts: FactReader,
      { namespace }: AgentSettings,
      replays: ReplayJobs,
    ) => new LiveView(store, roster, figures, facts, namespace, replays),
    inject: [Store, Roster, ConsumerFigures, FactReader, AgentSettings, ReplayJobs],
  },
  {
    provide: AgentList,
    useFactory: (roster: Roster, facts: FactReader, { agents }: Store) => new AgentList(roster, facts, agents),
    inject: [Roster, FactReader, Store],
  },
  {
    provide: ConsumerList,
    useFactory: (
      roster: Roster,
      figures: ConsumerFigures,
      facts: FactReader,
      { subscriptions }: Store,
      bus: MessageBus,
    ) => new ConsumerList(roster, figures, facts, subscriptions, bus),
    inject: [Roster, ConsumerFigures, FactReader, Store, MessageBus],
  },
  {
    provide: LeaderList,
    useFactory: (roster: Roster, facts: FactReader) => new LeaderList(roster, facts),
    inject: [Roster, FactReader],
  },
  {
    provide: QueueList,
    useFactory: (store: Store, settings: AgentSettings) => new QueueList(store, settings),
    inject: [Store, AgentSettings],
  },
];
