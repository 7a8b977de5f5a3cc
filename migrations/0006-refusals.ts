import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which messages came over the wire, what inboxes could not take, and which agents never come back under their id. */
export class Refusals implements MigrationInterface {
  readonly name = 'Refusals0000000000006';

  async up(runner: QueryRunner): Promise<void> {
    // received: it was stored when it came over the wire, not when it was sent through the store
    await runner.query(`ALTER TABLE messages ADD COLUMN received boolean NOT NULL DEFAULT false`);
    // refused_at: since when its target could not take it. Few rows are in the index; the others do not maintain it.
    await runner.query(`ALTER TABLE outbox ADD COLUMN refused_at timestamptz`);
    await runner.query(`CREATE INDEX outbox_refused ON outbox (target, refused_at) WHERE refused_at IS NOT NULL`);
    await runner.query(`ALTER TABLE agents ADD COLUMN ephemeral boolean NOT NULL DEFAULT false`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE agents DROP COLUMN ephemeral');
    await runner.query('ALTER TABLE outbox DROP COLUMN refused_at');
    await runner.query('ALTER TABLE messages DROP COLUMN received');
  }
}
