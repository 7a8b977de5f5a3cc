import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which contracts each instance handles, what waits for an instance that handles it, and subscriptions that ended. All
 * of it is added beside what was there, so that instances of the version before go on working.
 */
export class HandlersAndSubscriptions implements MigrationInterface {
  readonly name = 'HandlersAndSubscriptions0000000000005';

  async up(runner: QueryRunner): Promise<void> {
    // handles: see HandledContract. It says something only of the instance named in handles_of: an instance of the
    // version before registers without changing it.
    await runner.query(`
      ALTER TABLE agents
        ADD COLUMN handles    json NOT NULL DEFAULT '[]',
        ADD COLUMN handles_of text`);

    // unhandled_since: when an instance without a handler received it first. Of one that is retrying: it waits for an
    // instance that handles it. forwarded_to: the id of the agent that got it instead. topic: that it was published to.
    await runner.query(`
      ALTER TABLE deliveries
        ADD COLUMN unhandled_since timestamptz,
        ADD COLUMN forwarded_to    text COLLATE "C",
        ADD COLUMN topic           text`);
    await runner.query(`
      CREATE INDEX deliveries_unhandled ON deliveries (consumer)
        WHERE unhandled_since IS NOT NULL AND state IN ('pending', 'retrying')`);

    // undeclared_since: since when live instances of the consumer have been there, and none has declared the pattern.
    await runner.query(`ALTER TABLE subscriptions ADD COLUMN undeclared_since timestamptz`);
    // What consumers were subscribed to before, and why they are not any more. undeclared: because no instance declared it.
    await runner.query(`
      CREATE TABLE ended_subscriptions (
        consumer   text        COLLATE "C" NOT NULL,
        pattern    text        COLLATE "C" NOT NULL,
        since      timestamptz NOT NULL,
        ended_at   timestamptz NOT NULL DEFAULT statement_timestamp(),
        reason     text        NOT NULL,
        undeclared boolean     NOT NULL DEFAULT false,
        PRIMARY KEY (consumer, pattern)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ended_subscriptions');
    await runner.query('ALTER TABLE subscriptions DROP COLUMN undeclared_since');
    await runner.query('DROP INDEX deliveries_unhandled');
    await runner.query(
      'ALTER TABLE deliveries DROP COLUMN unhandled_since, DROP COLUMN forwarded_to, DROP COLUMN topic',
    );
    await runner.query('ALTER TABLE agents DROP COLUMN handles, DROP COLUMN handles_of');
  }
}
