import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What messages are searched by beside their own columns. The indexes are in 0018. */
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
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE deliveries DROP COLUMN stored_at');
    await runner.query('DROP TABLE message_keys');
  }
}
