import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was proposed to whom, every vote on it, and what came of it. */
export class Proposals implements MigrationInterface {
  readonly name = 'Proposals0000000000003';

  async up(runner: QueryRunner): Promise<void> {
    // electors and weights go together, in the order given. tally and absent are as of the latest vote or absence.
    await runner.query(`
      CREATE TABLE proposals (
        id         text               COLLATE "C" PRIMARY KEY,
        subject    text               NOT NULL,
        content    json,
        rule       text               NOT NULL CHECK (rule IN ('majority', 'two-thirds', 'unanimous', 'weighted')),
        quorum     double precision   CHECK (quorum BETWEEN 0 AND 1),
        electors   text[]             NOT NULL,
        weights    double precision[] NOT NULL,
        proposer   text               NOT NULL,
        role       text               COLLATE "C" NOT NULL,
        opened_at  timestamptz        NOT NULL,
        closes_at  timestamptz        NOT NULL,
        decided_at timestamptz,
        outcome    text               CHECK (outcome IN ('approved', 'rejected', 'no_quorum')),
        tally      json               NOT NULL,
        absent     json               NOT NULL DEFAULT '[]'
      )`);
    // list by state, in the order of ids, which is that of time
    await runner.query(`CREATE INDEX proposals_by_outcome ON proposals (outcome, id)`);
    // an elector is lost, or back: which proposals of a role wait for it
    await runner.query(`CREATE INDEX proposals_open ON proposals (role) WHERE outcome IS NULL`);

    // place: in the order in which they were recorded. remark: why a vote is not counted.
    await runner.query(`
      CREATE TABLE votes (
        proposal_id text        COLLATE "C" NOT NULL,
        place       integer     NOT NULL,
        voter       text        COLLATE "C" NOT NULL,
        choice      text        NOT NULL CHECK (choice IN ('for', 'against', 'abstain')),
        reason      text        NOT NULL,
        remark      text        CHECK (remark IN ('double', 'late', 'not_an_elector')),
        message_id  text        COLLATE "C" NOT NULL,
        cast_at     timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (proposal_id, place)
      )`);
    await runner.query(`CREATE UNIQUE INDEX votes_counted ON votes (proposal_id, voter) WHERE remark IS NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE votes, proposals');
  }
}
