import type { MigrationInterface } from 'typeorm';
import { MessagesOutboxDeliveriesAgents } from './0001-messages-outbox-deliveries-agents.js';
import { Leaderships } from './0002-leaderships.js';
import { Proposals } from './0003-proposals.js';
import { Tasks } from './0004-tasks.js';

/** Every migration, in order. The number at the end of a name is its place: TypeORM takes 13 digits for it. */
export const migrations: readonly (new () => MigrationInterface & { readonly name: string })[] = [
  MessagesOutboxDeliveriesAgents,
  Leaderships,
  Proposals,
  Tasks,
];
