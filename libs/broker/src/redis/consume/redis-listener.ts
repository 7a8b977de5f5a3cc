import type { Incoming } from '../../broker.js';
import type { Keeper, Losable } from '../../server/keeper.js';
import { Reader } from '../../server/reader.js';
import { pause } from 'agentmq/time';
import type { RedisSettings } from '../options.js';
import { LISTEN, UNLISTEN } from '../scripts/scripts.js';
import type { Session } from '../connection/session.js';
import { fromPayload } from '../wire.js';

/** How often in the time of its lease a listener is heard of. */
const BEATS = 3;
/** How long it waits until Redis knows that it hears no more, in ms. */
const LEAVE_MS = 1_000;

/** Hears topics over a channel of its own, which the scripts that publish know from its bindings. */
export class RedisListener extends Reader<Losable> {
  private readonly channel: string;
  private session: Session | undefined;

  constructor(
    private readonly sessions: Keeper<Session>,
    private readonly topics: readonly string[],
    private readonly handler: (message: Incoming) => void,
    private readonly settings: RedisSettings,
    id: string,
    onClose: () => void,
  ) {
    super(settings, onClose);
    this.channel = `listen.${id}`;
  }

  get name(): string {
    return this.topics.join(', ');
  }

  reads(): boolean {
    return false;
  }

  wake(): void {}

  async mend(session: Session): Promise<void> {
    if (this.keeper.current) await this.register(session);
  }

  protected async open(): Promise<Losable> {
    const session = await this.sessions.opened();
    await session.hear(this.channel, (payload) => this.hear(payload));
    await this.register(session);
    this.session = session;
    const beat = setInterval(() => {
      // A failure is told by the session, or by the next attempt.
      this.register(session).catch(() => undefined);
    }, this.settings.leaseMs / BEATS);
    void session.gone.then(() => clearInterval(beat));
    return { gone: session.gone, close: async () => clearInterval(beat) };
  }

  private async register(session: Session): Promise<void> {
    if (!this.closing) await session.run(LISTEN, [this.channel, String(this.settings.leaseMs), ...this.topics]);
  }

  private hear(payload: Buffer): void {
    const { to, properties, body } = fromPayload(payload);
    if (this.closing || !to) return;
    try {
      this.handler({ properties, body, recipient: to, redelivered: false });
    } catch {
      return;
    }
  }

  protected async shut(): Promise<void> {
    const open = this.keeper.stop();
    await open?.close();
    const { session } = this;
    if (!open || !session || session.lost) return;
    try {
      const unheard = session.run(UNLISTEN, [this.channel]).then(() => session.hearNoMore(this.channel));
      // A server that says nothing is not waited for: the lease ends by itself.
      await Promise.race([unheard, pause(LEAVE_MS, unheard)]);
    } catch {
      // The session was lost; the lease ends by itself.
      return;
    }
  }
}
