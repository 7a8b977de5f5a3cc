import type { Keeper } from '../server/keeper.js';
import { equalJitter, jittered, pause } from 'agentmq/time';
import type { Remarks } from '../server/remarks.js';
import type { RedisSettings } from './options.js';
import { TEND } from './scripts/scripts.js';
import type { Session } from './connection/session.js';

/** What can make again what it needs at the broker. */
export interface Mendable {
  mend(session: Session): Promise<void>;
}

/** How often the namespace is tended, by one of its processes, in ms. */
const INTERVAL_MS = 1_000;
/** Between two times that readers are mended, however often it is asked for, in ms. */
const SHORTEST_REST_MS = 500;

/** The chores of a namespace, and what this broker object's readers need. */
export class Tending {
  private readonly stopping = new AbortController();
  private nextMending = 0;
  private lastMending = 0;

  constructor(
    private readonly sessions: Keeper<Session>,
    private readonly readers: () => Iterable<Mendable>,
    private readonly settings: RedisSettings,
    private readonly remarks: Remarks,
  ) {}

  start(): void {
    this.nextMending = Date.now() + this.settings.mendIntervalMs;
    void this.run();
  }

  /** Something that is read here is missing. */
  soon(): void {
    this.nextMending = Math.max(this.lastMending + SHORTEST_REST_MS, Date.now());
  }

  stop(): void {
    this.stopping.abort();
  }

  /** Notes what of the server's configuration puts messages at risk. A server may forbid the question. */
  async inspect(session: Session): Promise<void> {
    const of = async (name: string): Promise<string | undefined> => {
      try {
        const reply = (await session.ask('CONFIG', 'GET', name)) as Record<string, string> | string[];
        return Array.isArray(reply) ? reply[1] : reply[name];
      } catch {
        return undefined;
      }
    };
    const [policy, file, snapshots] = await Promise.all([of('maxmemory-policy'), of('appendonly'), of('save')]);
    this.note(
      policy !== undefined && policy !== 'noeviction',
      'maxmemory-policy',
      `Redis may evict messages when its memory is full: maxmemory-policy is ${policy}, not noeviction`,
    );
    this.note(
      file === 'no' && snapshots === '',
      'persistence',
      'Redis keeps nothing over a restart: appendonly is no, and save is empty',
    );
  }

  private note(applies: boolean, subject: string, remark: string): void {
    if (applies) this.remarks.note(subject, remark);
    else this.remarks.clear(subject);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const session = this.sessions.current;
      try {
        if (session && !session.lost) await this.tend(session);
      } catch (error) {
        // A lost session is told elsewhere.
        if (!session?.lost) this.settings.report(error as Error);
      }
      await pause(equalJitter(INTERVAL_MS), signal);
    }
  }

  private async tend(session: Session): Promise<void> {
    await session.run(TEND, [String(this.settings.maxQueueSize), String(INTERVAL_MS / 2)]);
    if (Date.now() < this.nextMending) return;
    this.lastMending = Date.now();
    this.nextMending = this.lastMending + jittered(this.settings.mendIntervalMs);
    for (const reader of this.readers()) await reader.mend(session);
  }
}
