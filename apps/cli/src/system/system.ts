import type { AgentSettings } from 'agentmq';
import type { Store } from 'agentmq/message-store';
import {
  AgentList,
  ConsumerFigures,
  ConsumerList,
  FactReader,
  LeaderList,
  LiveView,
  RecordedRoster,
} from 'agentmq/operations';

/** The views of the system, read from the database alone. */
export function systemOf(store: Store, { namespace, registry }: AgentSettings) {
  const roster = new RecordedRoster(store.agents, registry);
  const facts = new FactReader(store);
  const figures = new ConsumerFigures(store.history);
  return {
    live: new LiveView(store, roster, figures, facts, namespace),
    agents: new AgentList(roster, facts, store.agents),
    consumers: new ConsumerList(roster, figures, facts, store.subscriptions),
    leaders: new LeaderList(roster, facts),
  };
}
