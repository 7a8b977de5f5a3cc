import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What operators have paused, what they have changed, and dead letters by the error that they have in common. */
export class PausesAndAudit implements MigrationInterface {
  readonly name = 'PausesAndAudit0000000000015';

  async up(runner: QueryRunner): Promise<void> {
    // target: role.worker, or agent.worker-1. drained_at: when the agent had nothing left; of its pause with `drain` alone.
    await runner.query(`
      CREATE TABLE pauses (
        target     text        COLLATE "C" PRIMARY KEY,
        drain      boolean     NOT NULL DEFAULT false,
        paused_by  text        NOT NULL,
        reason     text        NOT NULL,
        since      timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
        drained_at timestamptz
      )`);

    await runner.query(`
      CREATE TABLE audit (
        id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at         timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
        changed_by text        NOT NULL,
        via        text        NOT NULL,
        action     text        NOT NULL,
        target     text        NOT NULL,
        reason     text,
        rows       integer     NOT NULL
      )`);
    // what was done with one target; the beginning alone, since an index takes no value of more than 2,700 bytes
    await runner.query('CREATE INDEX audit_of_target ON audit (left(target, 200), id)');

    // The same for errors that differ in words with a digit alone: ids, numbers, times. JSON may escape what Postgres has no
    // text for (\u0000): such errors are one group, since a row that is written must not fail at it.
    await runner.query(`
      CREATE FUNCTION error_group(error json) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
      BEGIN
        RETURN left(md5(concat_ws(' ', error ->> 'name', error ->> 'code',
          regexp_replace(left(error ->> 'message', 500), '[[:alnum:]_-]*[0-9][[:alnum:]_-]*', '#', 'g'))), 16);
      EXCEPTION WHEN others THEN
        RETURN 'unreadable';
      END
      $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION error_group(json)');
    await runner.query('DROP TABLE audit, pauses');
  }
}
