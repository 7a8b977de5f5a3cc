import type { Fault } from '../fault.js';
import { brokerKilled, brokerRestarted } from './broker-away.js';
import { brokerWiped } from './broker-wiped.js';
import { clockAhead } from './clock-ahead.js';
import { clusterMinority, clusterNodesKilled } from './cluster.js';
import { connectionsCut, connectionsHalfOpen } from './connections-cut.js';
import {
  consumerKilledAfterClaim,
  consumerKilledAfterCommit,
  consumerKilledBeforeAck,
  consumerKilledInHandler,
  repositoryHandlerKilled,
} from './consumer-killed.js';
import { consumerStopped, consumerStoppedBeforeCompletion } from './consumer-stopped.js';
import {
  connectionsExhausted,
  databaseKilled,
  databaseRestarted,
  poolExhausted,
  sessionsTerminated,
} from './database-away.js';
import { gracefulRestarts } from './graceful-restarts.js';
import { memoryAlarm } from './memory-alarm.js';
import {
  deadSubscriber,
  forgedAgents,
  forgedVotes,
  manyKeys,
  oddDeathHeader,
  ownSessionDies,
  refusedForGood,
} from './neighbours.js';
import { poisonMessage } from './poison-message.js';
import { namespaceDeleted, queueDeleted, queueDeletedForLong, queuePurged } from './queue-lost.js';
import { randomKills } from './random-kills.js';
import { relaysRacing } from './relays-racing.js';
import { senderKilledAfterCommit } from './sender-killed-after-commit.js';
import { senderKilledBeforeSettle } from './sender-killed-before-settle.js';

/** Faults of senders, and of processes of both kinds. */
export const processFaults: readonly Fault[] = [
  senderKilledAfterCommit,
  senderKilledBeforeSettle,
  randomKills,
  gracefulRestarts,
];

/** Faults of consumers. */
export const consumerFaults: readonly Fault[] = [
  consumerKilledAfterClaim,
  consumerKilledInHandler,
  consumerKilledBeforeAck,
  consumerKilledAfterCommit,
  repositoryHandlerKilled,
  consumerStopped,
  consumerStoppedBeforeCompletion,
];

/** Faults of messages, rows and clocks. */
export const dataFaults: readonly Fault[] = [poisonMessage, relaysRacing, clockAhead];

/** Faults of the broker and of the way to it. */
export const brokerFaults: readonly Fault[] = [
  brokerRestarted,
  brokerKilled,
  brokerWiped,
  connectionsCut,
  connectionsHalfOpen,
  queuePurged,
  queueDeleted,
  queueDeletedForLong,
  namespaceDeleted,
  memoryAlarm,
];

/** Those of them that the tests run on Redis too. */
export const redisFaults: readonly Fault[] = [brokerWiped, memoryAlarm];

/** Faults of a cluster of RabbitMQ nodes. */
export const clusterFaults: readonly Fault[] = [clusterNodesKilled, clusterMinority];

/** Faults of Postgres. */
export const databaseFaults: readonly Fault[] = [
  databaseRestarted,
  databaseKilled,
  sessionsTerminated,
  connectionsExhausted,
  poolExhausted,
];

/** What harms one message, agent or queue, and must not harm those beside it. */
export const neighbourFaults: readonly Fault[] = [
  deadSubscriber,
  refusedForGood,
  ownSessionDies,
  manyKeys,
  oddDeathHeader,
  forgedVotes,
  forgedAgents,
];

/** All of them, in the order of their numbers. */
export const faults: readonly Fault[] = [
  ...processFaults,
  ...consumerFaults,
  ...dataFaults,
  ...brokerFaults,
  ...clusterFaults,
  ...databaseFaults,
  ...neighbourFaults,
].sort((a, b) => Number.parseInt(a.title) - Number.parseInt(b.title));
