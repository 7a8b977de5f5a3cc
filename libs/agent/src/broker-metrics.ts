import { Injectable } from '@nestjs/common';
import { Broker, type BrokerFault } from 'agentmq/broker';
import { Metrics, sample } from 'agentmq/telemetry';

const FAULTS: readonly BrokerFault['kind'][] = ['not_connected', 'consumer_lost', 'binding_missing', 'blocked'];

/** How this process and the broker get on. */
@Injectable()
export class BrokerMetrics {
  constructor(metrics: Metrics, broker: Broker) {
    metrics.counted(
      {
        name: 'agentmq_broker_connections_lost_total',
        help: 'Connections to the broker that were lost; each is made again',
      },
      () => broker.figures().connectionsLost,
    );
    metrics.counted(
      {
        name: 'agentmq_broker_blocked_seconds_total',
        help: 'For how long the broker took no publications: it was low on memory or disk',
      },
      () => broker.figures().blockedMs / 1_000,
    );
    metrics.sampled(
      { name: 'agentmq_publications_unconfirmed', help: 'Publications that wait to be sent, or for their confirm' },
      () => [sample(broker.figures().unconfirmed)],
    );
    metrics.sampled(
      {
        name: 'agentmq_broker_faults',
        help: 'What keeps this process from sending or receiving now: connections, inboxes, bindings, publications',
        labelNames: ['fault'],
      },
      () => {
        const found = broker.faults();
        return FAULTS.map((fault) => ({
          labels: { fault },
          value: found.filter(({ kind }) => kind === fault).length,
        }));
      },
    );
  }
}
