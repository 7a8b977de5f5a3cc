import { BrokerUnavailableError, QueueFullError } from '../../errors.js';
import type { Keeper } from '../../server/keeper.js';
import type { Blockage } from '../../server/blockage.js';
import { PublishQueue } from '../../server/publish-queue.js';
import { isReadOnly, isReply } from '../connection/client.js';
import type { Session } from '../connection/session.js';
import type { RedisSettings } from '../options.js';
import { PROBE } from '../scripts/scripts.js';
import { RedisOutgoing } from './outgoing.js';

const PROBE_INTERVAL_MS = 250;
/** Redis takes nothing for now: no memory, no disk, still loading, no replica, a script that runs too long. */
const PASSING = /^(OOM|MISCONF|LOADING|BUSY|NOREPLICAS|MASTERDOWN|TRYAGAIN|CLUSTERDOWN)\b/;

/** Publishes by scripts; what Redis refuses for now waits until it takes a probe. */
export class RedisPublisher extends PublishQueue<RedisOutgoing> {
  private unconfirmed = 0;
  private unconfirmedBytes = 0;
  private reason: string | undefined;
  private probe: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: Keeper<Session>,
    settings: RedisSettings,
    private readonly blockage: Blockage,
    onUnroutable: (recipient: RedisOutgoing['recipient']) => void,
  ) {
    super(settings, onUnroutable);
  }

  /** `send` resolves with how many took it, or -1 when an inbox was full. */
  send(
    send: (session: Session) => Promise<unknown>,
    bytes: number,
    mandatory: boolean,
    recipient: RedisOutgoing['recipient'],
    resolve: () => void,
    reject: (error: Error) => void,
  ): RedisOutgoing {
    return this.add(new RedisOutgoing(send, bytes, mandatory, recipient, this.deadline(), resolve, reject));
  }

  /** There is a session again. */
  opened(): void {
    this.setRefusal(undefined);
    this.sendAgain();
  }

  /** What was sent and not confirmed waits to be sent again. */
  lost(): void {
    for (const outgoing of this.open) outgoing.sent = false;
    this.blockage.end();
    this.unconfirmed = 0;
    this.unconfirmedBytes = 0;
  }

  override abandon(): void {
    clearTimeout(this.probe);
    super.abandon();
  }

  protected get isConnected(): boolean {
    return this.sessions.current !== undefined;
  }

  protected get refusal(): string | undefined {
    return this.reason === undefined ? undefined : `blocked: ${this.reason}`;
  }

  protected write(outgoing: RedisOutgoing): boolean {
    const session = this.sessions.current;
    const { bytes } = outgoing;
    if (!session || session.lost || this.blocked || this.unconfirmed >= this.settings.maxUnconfirmed) return false;
    if (this.unconfirmed > 0 && this.unconfirmedBytes + bytes > this.settings.maxUnconfirmedBytes) return false;
    outgoing.sent = true;
    this.unconfirmed++;
    this.unconfirmedBytes += bytes;
    const ended = (): boolean => {
      // What a lost session still says changes nothing: the counts begin anew with the next.
      if (session !== this.sessions.current || session.lost) return false;
      this.unconfirmed--;
      this.unconfirmedBytes -= bytes;
      return true;
    };
    outgoing.send(session).then(
      (taken) => {
        const current = ended();
        this.confirmed(outgoing, Number(taken));
        if (current && this.waiting.size > 0) this.pump();
      },
      (error: Error) => {
        if (ended()) this.refused(session, outgoing, error);
      },
    );
    return true;
  }

  private sendAgain(): void {
    this.waiting.replace([...this.open].filter(({ sent }) => !sent));
    this.pump();
  }

  private confirmed(outgoing: RedisOutgoing, taken: number): void {
    if (outgoing.done) return;
    if (taken < 0) this.fail(outgoing, new QueueFullError(outgoing.recipient));
    else if (taken === 0 && outgoing.mandatory) this.failUnroutable(outgoing);
    else this.succeed(outgoing);
  }

  private refused(session: Session, outgoing: RedisOutgoing, error: Error): void {
    if (!isReply(error)) return session.lose(error);
    outgoing.sent = false;
    if (isReadOnly(error)) return session.lose(error);
    if (PASSING.test(error.message)) this.setRefusal(error.message);
    else this.fail(outgoing, new BrokerUnavailableError(`the broker refuses: ${error.message}`, { cause: error }));
  }

  private setRefusal(reason: string | undefined): void {
    if (reason !== undefined && this.reason === undefined) this.settings.report(new Error(reason));
    this.reason = reason;
    if (reason === undefined) this.blockage.end();
    else this.blockage.begin(`the broker takes no publications: ${reason}`);
    clearTimeout(this.probe);
    if (reason !== undefined && !this.closed) this.probe = setTimeout(() => void this.tryAgain(), PROBE_INTERVAL_MS);
  }

  private async tryAgain(): Promise<void> {
    const session = this.sessions.current;
    if (!session || session.lost) return;
    try {
      await session.publish(PROBE, []);
      this.setRefusal(undefined);
      this.sendAgain();
    } catch (error) {
      if (isReply(error)) this.setRefusal(error.message);
    }
  }
}
