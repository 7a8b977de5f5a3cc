import type { MigrationInterface, QueryRunner } from 'typeorm';

export interface AddedIndex {
  readonly name: string;
  readonly isUnique?: boolean;
  /** The table, its columns and the condition, as `CREATE INDEX` has them after `ON`. */
  readonly on: string;
}

/**
 * Indexes of tables that older instances use at the time. `up` builds them in its transaction, which is for a schema that has
 * no users yet: the migrator builds them one by one, with `CONCURRENTLY`, where there are some.
 */
export abstract class IndexMigration implements MigrationInterface {
  abstract readonly name: string;

  /** `at` stands before each name of a table or a function: the schema and a dot, or nothing where the search path has it. */
  abstract indexes(at: string): readonly AddedIndex[];

  async up(runner: QueryRunner): Promise<void> {
    for (const { name, isUnique = false, on } of this.indexes(''))
      await runner.query(`CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ${name} ON ${on}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const names = this.indexes('').map(({ name }) => name);
    await runner.query(`DROP INDEX ${names.join(', ')}`);
  }
}
