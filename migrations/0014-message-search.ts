import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What messages are searched by: each filter has an index in the order of time, so that a page costs the same whatever the
 * history. Where an index in the order of ids was there, it is taken over: ids of foreign producers say nothing of the time.
 */
export class MessageSearch implements MigrationInterface {
  readonly name = 'MessageSearch0000000000014';

  async up(runner: QueryRunner): Promise<void> {
    // Values of payloads by which messages are found: of contracts that name such fields.
    await runner.query(`
      CREATE TABLE message_keys (
        message_id text        COLLATE "C" NOT NULL,
        name       text        COLLATE "C" NOT NULL,
        value      text        COLLATE "C" NOT NULL,
        stored_at  timestamptz NOT NULL,
        PRIMARY KEY (message_id, name)
      )`);
    await runner.query(`CREATE INDEX message_keys_by_value ON message_keys (name, value, stored_at, message_id)`);

    // stored_at: of the message. A constant for the rows that are there: no row is written, and they come last.
    await runner.query(`ALTER TABLE deliveries ADD COLUMN stored_at timestamptz NOT NULL DEFAULT 'epoch'`);
    await runner.query(`ALTER TABLE deliveries ALTER COLUMN stored_at SET DEFAULT clock_timestamp()`);
    await runner.query('DROP INDEX deliveries_not_completed');
    await runner.query(`
      CREATE INDEX deliveries_not_completed ON deliveries (consumer, state, stored_at, message_id)
        WHERE state <> 'completed'`);
    await runner.query(`
      CREATE INDEX deliveries_completed ON deliveries (consumer, stored_at, message_id) WHERE state = 'completed'`);
    await runner.query(`
      CREATE INDEX deliveries_by_agent ON deliveries (agent_id, stored_at, message_id) WHERE agent_id IS NOT NULL`);

    await runner.query('DROP INDEX messages_by_correlation, messages_by_trace, messages_by_type');
    await runner.query(`
      CREATE INDEX messages_by_correlation ON messages (correlation_id, stored_at, message_id)
        WHERE correlation_id IS NOT NULL`);
    await runner.query(`
      CREATE INDEX messages_by_trace ON messages (trace_id, stored_at, message_id) WHERE trace_id IS NOT NULL`);
    await runner.query(`CREATE INDEX messages_by_type ON messages (type, stored_at, message_id)`);
    await runner.query(`CREATE INDEX messages_by_sender ON messages (sender, stored_at, message_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX messages_by_sender, messages_by_correlation, messages_by_trace, messages_by_type,
        deliveries_by_agent, deliveries_completed, deliveries_not_completed`);
    await runner.query('ALTER TABLE deliveries DROP COLUMN stored_at');
    await runner.query('DROP TABLE message_keys');
    await runner.query(`
      CREATE INDEX deliveries_not_completed ON deliveries (consumer, state, message_id) WHERE state <> 'completed'`);
    await runner.query(`
      CREATE INDEX messages_by_correlation ON messages (correlation_id, message_id) WHERE correlation_id IS NOT NULL`);
    await runner.query(`CREATE INDEX messages_by_trace ON messages (trace_id, message_id) WHERE trace_id IS NOT NULL`);
    await runner.query(`CREATE INDEX messages_by_type ON messages (type, message_id)`);
  }
}
