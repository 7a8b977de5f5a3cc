import { type AddedIndex, IndexMigration } from './index-migration.js';

/**
 * What messages, dead letters and tasks are searched by: each filter has an index in the order of time, so that a page costs the
 * same whatever the history. The order is by `stored_at`, since ids of foreign producers say nothing of the time. The indexes in
 * the order of ids (`deliveries_not_completed`, `messages_by_type`, `_by_trace`, `_by_correlation`) stay: the version before
 * pages by them. All four cost Postgres a tenth of its CPU time for a durable message.
 */
export class Indexes extends IndexMigration {
  readonly name = 'Indexes0000000000018';

  indexes(at: string): readonly AddedIndex[] {
    return [
      // what a consumer has not completed; small, whatever the history
      {
        name: 'deliveries_open',
        on: `${at}deliveries (consumer, state, stored_at, message_id) WHERE state <> 'completed'`,
      },
      {
        name: 'deliveries_completed',
        on: `${at}deliveries (consumer, stored_at, message_id) WHERE state = 'completed'`,
      },
      {
        name: 'deliveries_by_agent',
        on: `${at}deliveries (agent_id, stored_at, message_id) WHERE agent_id IS NOT NULL`,
      },
      // groups of dead letters, and what is in a group: maintained for dead letters only
      {
        name: 'deliveries_dead',
        on: `${at}deliveries (consumer, ${at}error_group(error), stored_at, message_id)
          WHERE state = 'dead' AND discarded IS NULL`,
      },
      {
        name: 'messages_of_correlation',
        on: `${at}messages (correlation_id, stored_at, message_id) WHERE correlation_id IS NOT NULL`,
      },
      { name: 'messages_of_trace', on: `${at}messages (trace_id, stored_at, message_id) WHERE trace_id IS NOT NULL` },
      { name: 'messages_of_type', on: `${at}messages (type, stored_at, message_id)` },
      { name: 'messages_of_sender', on: `${at}messages (sender, stored_at, message_id)` },
      // outboxSize, stuckEntries, figures: what is leased or put off, beside any number of delayed sends. It costs 3 µs of Postgres's
      // CPU time a message.
      { name: 'outbox_unscheduled', on: `${at}outbox (due_at) WHERE NOT scheduled` },
      {
        name: 'tasks_idempotency',
        isUnique: true,
        on: `${at}tasks (idempotency_key) WHERE idempotency_key IS NOT NULL`,
      },
      // Lists of what is settled, which each task enters once. What is open is found by the indexes of its state.
      { name: 'tasks_of_type', on: `${at}tasks (type, id) WHERE finished_at IS NOT NULL` },
      { name: 'tasks_of_agent', on: `${at}tasks (agent_id, id) WHERE finished_at IS NOT NULL` },
      { name: 'tasks_created', on: `${at}tasks (created_at) WHERE finished_at IS NOT NULL` },
      { name: 'tasks_in_vain', on: `${at}tasks (state, id) WHERE state IN ('failed', 'cancelled')` },
      // runs of pipelines in the order of time: they are few among the tasks
      { name: 'tasks_runs', on: `${at}tasks (id) WHERE stages IS NOT NULL` },
    ];
  }
}
