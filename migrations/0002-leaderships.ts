import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who leads a group in which term, which fences the writes of leaders; and how its members have voted. */
export class Leaderships implements MigrationInterface {
  readonly name = 'Leaderships0000000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE leaderships (
        group_name text        COLLATE "C" PRIMARY KEY,
        term       bigint      NOT NULL CHECK (term > 0),
        leader     text        NOT NULL,
        instance   text        NOT NULL,
        elected_at timestamptz NOT NULL DEFAULT statement_timestamp()
      )`);
    await runner.query(`
      CREATE TABLE election_votes (
        group_name text        COLLATE "C" NOT NULL,
        agent_id   text        COLLATE "C" NOT NULL,
        term       bigint      NOT NULL CHECK (term > 0),
        voted_for  text        COLLATE "C" NOT NULL,
        voted_at   timestamptz NOT NULL DEFAULT statement_timestamp(),
        PRIMARY KEY (group_name, agent_id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE election_votes, leaderships');
  }
}
