import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Agents of several roles. The first stays in `role`, which instances of the version before read and write. */
export class AgentRoles implements MigrationInterface {
  readonly name = 'AgentRoles0000000000013';

  async up(runner: QueryRunner): Promise<void> {
    // roles: all of them. It says something only of the instance named in roles_of: an instance of the version before registers
    // without changing it.
    await runner.query(`
      ALTER TABLE agents
        ADD COLUMN roles    text[] NOT NULL DEFAULT '{}',
        ADD COLUMN roles_of text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE agents DROP COLUMN roles, DROP COLUMN roles_of');
  }
}
