import { Get, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { Agent, AgentModule, startAgent } from 'agentmq';
import {
  DeposedError,
  type ElectionGroup,
  ElectionModule,
  Elections,
  type ElectionState,
  type Leadership,
} from 'agentmq/coordination';
import { Database } from 'agentmq/database';

/** How long each transaction stays open after its row is written, in s; the first argument. */
const [hold = '0'] = process.argv.slice(2);
/** How many transactions the leader has open at once. */
const WRITERS = 3;
const PAUSE_MS = 5;
/** How often each writer of a deposed leader tries nevertheless. */
const VAIN_ATTEMPTS = 5;

/** What became of the writes of this process. */
export interface Writes {
  readonly state: ElectionState | null;
  /** Leads, or has not yet given up. */
  readonly writing: boolean;
  readonly committed: number;
  /** Of these: by the term on record, in the transaction; the others by this process's own knowledge. */
  readonly refused: number;
  readonly refusedByRecord: number;
  /** Broken off with the connection. */
  readonly failed: number;
}

/** While it leads its group it writes rows in fenced transactions, one after the other. */
@Agent({ role: 'writer' })
class WriterAgent implements OnApplicationBootstrap {
  private group: ElectionGroup | undefined;
  private writing = 0;
  private committed = 0;
  private refused = 0;
  private refusedByRecord = 0;
  private failed = 0;

  constructor(
    private readonly elections: Elections,
    private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    const onElected = (leadership: Leadership) => this.lead(leadership);
    this.elections.join('writers', { onElected }).then(
      (group) => (this.group = group),
      () => undefined,
    );
  }

  @Get('writes')
  tell(): Writes {
    const { writing, committed, refused, refusedByRecord, failed } = this;
    return { state: this.group?.state ?? null, writing: writing > 0, committed, refused, refusedByRecord, failed };
  }

  private async lead(leadership: Leadership): Promise<void> {
    await this.database.query(`CREATE TABLE IF NOT EXISTS "${this.database.schema}".written (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, term bigint NOT NULL, agent text NOT NULL,
      at timestamptz NOT NULL DEFAULT clock_timestamp())`);
    this.writing += WRITERS;
    const write = () => this.write(leadership).finally(() => this.writing--);
    await Promise.all(Array.from({ length: WRITERS }, write));
  }

  private async write({ term, signal, fence }: Leadership): Promise<void> {
    const sql = `INSERT INTO "${this.database.schema}".written (term, agent) VALUES ($1, $2)`;
    for (let vain = 0; vain < VAIN_ATTEMPTS; vain += Number(signal.aborted)) {
      try {
        await fence(async (transaction) => {
          await transaction.query(sql, [term, process.env['AGENT_ID']]);
          await transaction.query('SELECT pg_sleep($1)', [hold]);
        });
        this.committed++;
      } catch (error) {
        if (!(error instanceof DeposedError)) this.failed++;
        else if (error.latest === undefined) this.refused++;
        else {
          this.refused++;
          this.refusedByRecord++;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

@Module({ imports: [AgentModule.forRoot(), ElectionModule], controllers: [WriterAgent] })
class WriterModule {}

await startAgent(WriterModule);
