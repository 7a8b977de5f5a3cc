import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which instances were asked to stop: the control message that says so is believed only if it is on record. */
export class AgentStops implements MigrationInterface {
  readonly name = 'AgentStops0000000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE agent_stops (
        instance  text PRIMARY KEY,
        reason    text NOT NULL,
        asked_at  timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE agent_stops');
  }
}
