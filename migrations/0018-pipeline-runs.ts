import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Runs of pipelines in the order of time, for a list of them: they are few among the tasks. */
export class PipelineRuns implements MigrationInterface {
  readonly name = 'PipelineRuns0000000000018';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX tasks_runs ON tasks (id) WHERE stages IS NOT NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX tasks_runs');
  }
}
