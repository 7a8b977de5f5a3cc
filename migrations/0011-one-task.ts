import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tasks that are submitted by type, repeated, followed and tried again: the only kind of task. */
export class OneTask implements MigrationInterface {
  readonly name = 'OneTask0000000000011';

  async up(runner: QueryRunner): Promise<void> {
    // idempotency_key: a submission that repeats it is this task. progress: what its agent told last, and when.
    // history: attempts that have ended without a result, oldest first. retried_at: when it was last queued anew after its end,
    // from which its deadline counts.
    await runner.query(`
      ALTER TABLE tasks
        ADD COLUMN idempotency_key text   COLLATE "C",
        ADD COLUMN progress        json,
        ADD COLUMN progress_at     timestamptz,
        ADD COLUMN history         json[] NOT NULL DEFAULT '{}',
        ADD COLUMN retried_at      timestamptz`);
    // what agents declare by @Task: the JSON Schema of the contract, by which a payload of a caller without the class is checked
    await runner.query(`
      CREATE TABLE task_types (
        type        text        COLLATE "C" NOT NULL,
        version     integer     NOT NULL,
        schema      json        NOT NULL,
        sensitive   boolean     NOT NULL,
        declared_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (type, version)
      )`);
    // the tasks that messages have asked for. question: what is needed to answer the message, JSON
    await runner.query(`
      CREATE TABLE asked_tasks (
        task_id  text COLLATE "C" PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
        question json NOT NULL,
        told_at  timestamptz
      )`);
    await runner.query('CREATE INDEX asked_tasks_untold ON asked_tasks (task_id) WHERE told_at IS NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE asked_tasks');
    await runner.query('DROP TABLE task_types');
    await runner.query(`
      ALTER TABLE tasks DROP COLUMN idempotency_key, DROP COLUMN progress, DROP COLUMN progress_at, DROP COLUMN history,
        DROP COLUMN retried_at`);
  }
}
