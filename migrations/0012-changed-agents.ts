import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which agents have changed, so that a heartbeat need not read all of them. */
export class ChangedAgents implements MigrationInterface {
  readonly name = 'ChangedAgents0000000000012';

  async up(runner: QueryRunner): Promise<void> {
    // changed_in: the transaction that last wrote something else than the time of a heartbeat. Without an index: a heartbeat
    // then touches none, and looking through a thousand agents takes Postgres less than that would.
    await runner.query('ALTER TABLE agents ADD COLUMN changed_in xid8 NOT NULL DEFAULT pg_current_xact_id()');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE agents DROP COLUMN changed_in');
  }
}
