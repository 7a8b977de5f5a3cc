import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tasks: who is to do what, who does it, and what came of it. And what choosing among agents needs to know of them. */
export class Tasks implements MigrationInterface {
  readonly name = 'Tasks0000000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE agents
        ADD COLUMN concurrency integer NOT NULL DEFAULT 64 CHECK (concurrency > 0),
        ADD COLUMN circuits    json    NOT NULL DEFAULT '[]'`);

    // payload and result are JSON as it was written. attempts: how many may fail, of which failures have.
    // attempt counts the assignments; assignment is the message of the latest one, which fences what is said about it.
    // lane: the stage of a pipeline, of which no more than lane_limit are under way at once, and none while feeds_limit
    // wait in the next one. stages: of a pipeline's run, all of them.
    await runner.query(`
      CREATE TABLE tasks (
        id          text        COLLATE "C" PRIMARY KEY,
        parent_id   text        COLLATE "C",
        key         text        COLLATE "C",
        type        text        NOT NULL,
        version     integer     NOT NULL,
        payload     text        NOT NULL,
        destination text        COLLATE "C" NOT NULL,
        strategy    text        NOT NULL,
        affinity    text,
        priority    smallint    NOT NULL,
        attempts    smallint    NOT NULL CHECK (attempts > 0),
        on_failure  text        NOT NULL CHECK (on_failure IN ('fail-fast', 'partial')),
        lane        text        COLLATE "C" NOT NULL DEFAULT '',
        lane_limit  integer,
        feeds       text        COLLATE "C",
        feeds_limit integer,
        stages      json,
        state       text        NOT NULL
                    CHECK (state IN ('queued', 'assigned', 'running', 'completed', 'failed', 'cancelled')),
        attempt     integer     NOT NULL DEFAULT 0,
        failures    smallint    NOT NULL DEFAULT 0,
        tried       text[]      NOT NULL DEFAULT '{}',
        agent_id    text        COLLATE "C",
        instance    text,
        assignment  text        COLLATE "C",
        due_at      timestamptz NOT NULL,
        deadline    timestamptz NOT NULL,
        result      text,
        error       json,
        submitter   text        NOT NULL,
        cause_id    text,
        trace       json,
        created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
        assigned_at timestamptz,
        started_at  timestamptz,
        finished_at timestamptz,
        CHECK ((state = 'assigned') = (assignment IS NOT NULL)),
        CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
      )`);
    await runner.query(`CREATE UNIQUE INDEX tasks_children ON tasks (parent_id, key) WHERE parent_id IS NOT NULL`);
    // what is next at each destination
    await runner.query(`
      CREATE INDEX tasks_queued ON tasks (destination, lane, priority DESC, id) WHERE state = 'queued'`);
    await runner.query(`CREATE INDEX tasks_assigned ON tasks (agent_id, instance) WHERE state = 'assigned'`);
    await runner.query(`
      CREATE INDEX tasks_deadline ON tasks (deadline) WHERE state IN ('queued', 'assigned', 'running')`);
    await runner.query(`
      CREATE INDEX tasks_lanes ON tasks (lane, state) WHERE lane <> '' AND state IN ('queued', 'assigned')`);
    await runner.query(`CREATE INDEX tasks_running ON tasks (destination) WHERE state = 'running'`);
    await runner.query(`CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE tasks');
    await runner.query('ALTER TABLE agents DROP COLUMN concurrency, DROP COLUMN circuits');
  }
}
