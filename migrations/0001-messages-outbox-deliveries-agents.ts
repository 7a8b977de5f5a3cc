import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The first schema. Ids compare byte by byte (`COLLATE "C"`): faster than a language's order, and the same everywhere.
 * There are no foreign keys: they would lock the message's row at every claim, and messages are written by the same
 * statement or before.
 */
export class MessagesOutboxDeliveriesAgents implements MigrationInterface {
  readonly name = 'MessagesOutboxDeliveriesAgents0000000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE messages (
        message_id     text        COLLATE "C" PRIMARY KEY,
        sender         text        NOT NULL,
        recipient_kind text        NOT NULL,
        recipient      text        NOT NULL,
        correlation_id text        COLLATE "C",
        causation_id   text,
        sent_at        timestamptz NOT NULL,
        type           text        COLLATE "C" NOT NULL,
        version        bigint      NOT NULL,
        priority       smallint    NOT NULL,
        ttl_ms         bigint,
        deliver_at     timestamptz,
        expires_at     timestamptz,
        traceparent    text,
        tracestate     text,
        trace_id       text        COLLATE "C" GENERATED ALWAYS AS (substr(traceparent, 4, 32)) STORED,
        reply_to       text,
        transient      boolean     NOT NULL,
        content_type   text        NOT NULL,
        headers        json,
        body           text        NOT NULL,
        body_encoding  text        NOT NULL CHECK (body_encoding IN ('utf8', 'base64')),
        stored_at      timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    // list: by flow, by trace, by type; each in the order of ids, which is that of time
    await runner.query(`
      CREATE INDEX messages_by_correlation ON messages (correlation_id, message_id) WHERE correlation_id IS NOT NULL`);
    await runner.query(`CREATE INDEX messages_by_trace ON messages (trace_id, message_id) WHERE trace_id IS NOT NULL`);
    await runner.query(`CREATE INDEX messages_by_type ON messages (type, message_id)`);

    // forget, replay: in the order of time, whatever the ids of foreign producers
    await runner.query(`CREATE INDEX messages_by_time ON messages (stored_at)`);

    // What is to be published: a message to its recipient, or (retry, replay) a copy of it to one consumer. due_at is
    // when an entry may be taken: at once, after a delay, or when the lease of whoever has it runs out. scheduled: it
    // was not due when it was opened, and was not leased yet.
    await runner.query(`
      CREATE TABLE outbox (
        id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id text        COLLATE "C" NOT NULL,
        target     text        COLLATE "C" NOT NULL,
        consumer   text        COLLATE "C",
        due_at     timestamptz NOT NULL,
        lease      integer     NOT NULL,
        scheduled  boolean     NOT NULL DEFAULT false,
        leased_by  text,
        last_error text
      )`);
    // leaseDue
    await runner.query(`CREATE INDEX outbox_due ON outbox (due_at, id)`);
    // find and list: published or not; append: the entry that a repeated append has already
    await runner.query(`CREATE INDEX outbox_by_message ON outbox (message_id)`);

    // takeOver: what an earlier instance of an agent had
    await runner.query(`CREATE INDEX outbox_by_owner ON outbox (leased_by) WHERE leased_by IS NOT NULL`);

    // pending: owed, not received yet. processing without leased_until: given back, free to claim. expires_at: of a
    // delivery that was put on its way again, where it differs from the message's. copy: which one was claimed.
    await runner.query(`
      CREATE TABLE deliveries (
        message_id   text        COLLATE "C" NOT NULL,
        consumer     text        COLLATE "C" NOT NULL,
        state        text        NOT NULL
                     CHECK (state IN ('pending', 'processing', 'retrying', 'completed', 'dead', 'expired')),
        attempt      integer     NOT NULL,
        failures     smallint    NOT NULL DEFAULT 0,
        crashes      smallint    NOT NULL DEFAULT 0,
        agent_id     text,
        copy         text,
        leased_until timestamptz,
        due_at       timestamptz,
        expires_at   timestamptz,
        error        json,
        history      json[],
        discarded    json,
        received_at  timestamptz,
        finished_at  timestamptz,
        PRIMARY KEY (message_id, consumer)
      )`);
    // list: what a consumer has not completed; small, whatever the history
    await runner.query(`
      CREATE INDEX deliveries_not_completed ON deliveries (consumer, state, message_id) WHERE state <> 'completed'`);

    // Who is owed a message that is published to a topic or to all, since when. A pattern as it is bound, and as a
    // regular expression; '' for everything that is broadcast. orphaned_at: when its agent was forgotten.
    await runner.query(`
      CREATE TABLE subscriptions (
        consumer    text        COLLATE "C" NOT NULL,
        pattern     text        COLLATE "C" NOT NULL,
        expression  text        NOT NULL,
        since       timestamptz NOT NULL DEFAULT statement_timestamp(),
        orphaned_at timestamptz,
        PRIMARY KEY (consumer, pattern)
      )`);

    // incarnation: counts the registrations of the id. sequence: counts the heartbeats of the instance.
    await runner.query(`
      CREATE TABLE agents (
        id            text             COLLATE "C" PRIMARY KEY,
        role          text             NOT NULL,
        capabilities  text[]           NOT NULL,
        instance      text             NOT NULL,
        incarnation   integer          NOT NULL DEFAULT 1,
        sequence      integer          NOT NULL DEFAULT 0,
        load          double precision NOT NULL DEFAULT 0,
        in_flight     integer          NOT NULL DEFAULT 0,
        version       text             NOT NULL,
        stopped       boolean          NOT NULL DEFAULT false,
        registered_at timestamptz      NOT NULL DEFAULT statement_timestamp(),
        heartbeat_at  timestamptz      NOT NULL DEFAULT statement_timestamp()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE agents, subscriptions, deliveries, outbox, messages');
  }
}
