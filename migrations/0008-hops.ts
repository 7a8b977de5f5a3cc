import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What happened to the messages of recorded traces, and when: see HopRecord. */
export class Hops implements MigrationInterface {
  readonly name = 'Hops0000000000008';

  async up(runner: QueryRunner): Promise<void> {
    // began_at and ended_at: of `sent`, when it was sent, and confirmed or refused; of `received`, of one attempt at it.
    // From kind on: of messages that were not stored before they were sent; the others' are in `messages`.
    await runner.query(`
      CREATE TABLE hops (
        id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        trace_id     text        COLLATE "C" NOT NULL,
        message_id   text        COLLATE "C" NOT NULL,
        side         text        NOT NULL,
        agent_id     text        NOT NULL,
        consumer     text,
        attempt      integer     NOT NULL,
        began_at     timestamptz NOT NULL,
        ended_at     timestamptz NOT NULL,
        outcome      text        NOT NULL,
        error_name   text,
        error_code   text,
        kind         text,
        type         text,
        sender       text,
        recipient    text,
        causation_id text,
        recorded_at  timestamptz NOT NULL DEFAULT statement_timestamp()
      )`);
    await runner.query(`CREATE INDEX hops_by_trace ON hops (trace_id)`);
    await runner.query(`CREATE INDEX hops_by_message ON hops (message_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE hops');
  }
}
