import { Injectable } from '@nestjs/common';
import { Database } from 'agentmq/database';
import { type ContractDefinition, type DescribedContract, describePayload } from 'agentmq/protocol';

/** The contracts of tasks, as the agents that carry them out declare them. Everything rejects as `Database.ownQuery` does. */
@Injectable()
export class TypeStore {
  private readonly types: string;

  constructor(private readonly database: Database) {
    this.types = `"${database.schema}".task_types`;
  }

  /** Writes down what this agent's `@Task` methods take, as far as it differs from what is on record. */
  async declare(contracts: readonly ContractDefinition[]): Promise<void> {
    const types: DescribedContract[] = contracts.map(({ type, version, sensitive, payload }) => {
      return { type, version, sensitive, schema: describePayload(payload) };
    });
    await this.database.ownQuery(
      `INSERT INTO ${this.types} AS known (type, version, schema, sensitive)
       SELECT type, version, schema, sensitive
       FROM json_to_recordset($1::json) AS given (type text, version integer, schema json, sensitive boolean)
       ORDER BY type, version
       ON CONFLICT (type, version) DO UPDATE
         SET schema = excluded.schema, sensitive = excluded.sensitive, declared_at = clock_timestamp()
         WHERE known.schema::text <> excluded.schema::text OR known.sensitive <> excluded.sensitive`,
      [JSON.stringify(types)],
    );
  }

  /** All versions of these types, in order. */
  async read(types: readonly string[]): Promise<DescribedContract[]> {
    return this.database.ownQuery<DescribedContract>(
      `SELECT type, version, schema, sensitive FROM ${this.types} WHERE type = ANY($1) ORDER BY type, version`,
      [types],
    );
  }
}
