import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which agents were told to be unhealthy: so that a change is told once, whichever monitor leads. */
export class AgentConditions implements MigrationInterface {
  readonly name = 'AgentConditions0000000000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE agent_conditions (
        agent_id    text        COLLATE "C" PRIMARY KEY,
        role        text        NOT NULL,
        instance    text        NOT NULL,
        reasons     text[]      NOT NULL,
        detail      text        NOT NULL,
        since       timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp())
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE agent_conditions');
  }
}
