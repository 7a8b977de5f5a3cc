import type { MigrationInterface } from 'typeorm';
import { MessagesOutboxDeliveriesAgents } from './0001-messages-outbox-deliveries-agents.js';
import { Leaderships } from './0002-leaderships.js';
import { Proposals } from './0003-proposals.js';
import { Tasks } from './0004-tasks.js';
import { HandlersAndSubscriptions } from './0005-handlers-and-subscriptions.js';
import { Refusals } from './0006-refusals.js';
import { AgentStops } from './0007-agent-stops.js';
import { Hops } from './0008-hops.js';
import { AgentConditions } from './0010-agent-conditions.js';
import { OneTask } from './0011-one-task.js';
import { ChangedAgents } from './0012-changed-agents.js';
import { AgentRoles } from './0013-agent-roles.js';
import { MessageSearch } from './0014-message-search.js';
import { PausesAndAudit } from './0015-pauses-and-audit.js';
import { Indexes } from './0018-indexes.js';

export { type AddedIndex, IndexMigration } from './index-migration.js';
export { Indexes };

/**
 * Every migration, in order. The number at the end of a name is its place: TypeORM takes 13 digits for it.
 *
 * During an upgrade instances of the version before run on the new schema, and start on it. So a migration adds:
 * tables, columns with a default and, by an {@link IndexMigration}, indexes of tables that are in use. What removes or
 * tightens something, an index too, comes at least one version after the code that no longer uses it, and its name says which
 * migration an instance must know to work with it, as in `DropOutboxTarget_Needs0012_0000000000015`: instances that do not
 * know migration 12 then refuse to start.
 */
export const migrations: readonly (new () => MigrationInterface & { readonly name: string })[] = [
  MessagesOutboxDeliveriesAgents,
  Leaderships,
  Proposals,
  Tasks,
  HandlersAndSubscriptions,
  Refusals,
  AgentStops,
  Hops,
  AgentConditions,
  OneTask,
  ChangedAgents,
  AgentRoles,
  MessageSearch,
  PausesAndAudit,
  Indexes,
];
