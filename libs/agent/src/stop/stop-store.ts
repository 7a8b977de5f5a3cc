import { Injectable } from '@nestjs/common';
import { Database } from 'agentmq/database';

/** How long it is on record that an instance was asked. */
const KEPT = '1 day';

/** The instances that were asked to stop. Everything rejects as `Database.query` does. */
@Injectable()
export class StopStore {
  private readonly stops: string;

  constructor(private readonly database: Database) {
    this.stops = `"${database.schema}".agent_stops`;
  }

  async ask(instance: string, reason: string): Promise<void> {
    await this.database.query(
      `WITH old AS (
         DELETE FROM ${this.stops} WHERE instance <> $1 AND asked_at < clock_timestamp() - interval '${KEPT}'
       )
       INSERT INTO ${this.stops} (instance, reason) VALUES ($1, $2)
       ON CONFLICT (instance) DO UPDATE SET reason = excluded.reason, asked_at = excluded.asked_at`,
      [instance, reason],
    );
  }

  /** Why the instance is to stop; undefined where it was not asked. */
  async reasonFor(instance: string): Promise<string | undefined> {
    const sql = `SELECT reason FROM ${this.stops} WHERE instance = $1`;
    const [asked] = await this.database.query<{ reason: string }>(sql, [instance]);
    return asked?.reason;
  }
}
