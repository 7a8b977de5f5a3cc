import { BrokerClosedError, BrokerUnavailableError, NoRecipientError, QueueFullError } from '../errors.js';
import { Fifo } from '../fifo.js';
import type { Keeper } from '../keeper.js';
import { UnsettledPublications } from '../unsettled-publications.js';
import { isReadOnly, isReply } from './client.js';
import type { RedisSettings } from './options.js';
import type { Outgoing } from './outgoing.js';
import { PROBE } from './scripts.js';
import type { Session } from './session.js';

const PROBE_INTERVAL_MS = 250;
/** Redis takes nothing for now: no memory, no disk, still loading, no replica, a script that runs too long. */
const PASSING = /^(OOM|MISCONF|LOADING|BUSY|NOREPLICAS|MASTERDOWN|TRYAGAIN|CLUSTERDOWN)\b/;

/**
 * Sends what is published, in the order that it was given. What can't be sent now (not connected, refused for now, too
 * much unconfirmed) waits; what was sent over a lost connection and not confirmed is sent again, first. Nothing waits
 * longer than `publishTimeoutMs` in all.
 */
export class Publisher {
  private readonly open: UnsettledPublications<Outgoing>;
  /** What of it has not been sent. */
  private readonly waiting = new Fifo<Outgoing>();
  private unconfirmed = 0;
  private unconfirmedBytes = 0;
  /** Why Redis takes nothing for now. */
  private refusal: string | undefined;
  private probe: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly sessions: Keeper<Session>,
    private readonly settings: RedisSettings,
    private readonly onUnroutable: (recipient: Outgoing['recipient']) => void,
  ) {
    this.open = new UnsettledPublications(settings.publishTimeoutMs, (outgoing) => this.whyLate(outgoing));
  }

  get closed(): boolean {
    return this.stopped;
  }

  get blocked(): boolean {
    return this.refusal !== undefined;
  }

  send(outgoing: Outgoing): void {
    if (this.stopped) {
      outgoing.done = true;
      outgoing.reject(new BrokerClosedError());
      return;
    }
    this.open.add(outgoing);
    if (this.waiting.size > 0 || !this.write(outgoing)) this.waiting.push(outgoing);
  }

  /** The caller does not need the outcome any more; it is not sent if it has not been. */
  withdraw(outgoing: Outgoing): void {
    this.open.settle(outgoing);
  }

  /** There is a session again. */
  opened(): void {
    this.setRefusal(undefined);
    this.sendAgain();
  }

  /** What was sent and not confirmed waits to be sent again. */
  lost(): void {
    for (const outgoing of this.open) outgoing.sent = false;
    this.unconfirmed = 0;
    this.unconfirmedBytes = 0;
  }

  /** Resolves when nothing is unconfirmed, or after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    return this.open.drain(timeoutMs);
  }

  /** Takes nothing more. */
  stop(): void {
    this.stopped = true;
  }

  /** Rejects what is unconfirmed with `BrokerClosedError`. */
  abandon(): void {
    this.stop();
    clearTimeout(this.probe);
    this.open.abandon();
  }

  private sendAgain(): void {
    this.waiting.replace([...this.open].filter(({ sent }) => !sent));
    this.pump();
  }

  private pump(): void {
    for (let next = this.waiting.peek(); next; next = this.waiting.peek()) {
      if (!next.done && !this.write(next)) return;
      this.waiting.shift();
    }
  }

  /** False when it can't be sent now. */
  private write(outgoing: Outgoing): boolean {
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

  private confirmed(outgoing: Outgoing, taken: number): void {
    if (outgoing.done) return;
    const { recipient, mandatory } = outgoing;
    if (taken < 0) this.open.fail(outgoing, new QueueFullError(recipient));
    else if (taken === 0 && mandatory) {
      this.open.fail(outgoing, new NoRecipientError(recipient));
      this.onUnroutable(recipient);
    } else if (this.open.settle(outgoing)) outgoing.resolve();
  }

  private refused(session: Session, outgoing: Outgoing, error: Error): void {
    if (!isReply(error)) return session.lose(error);
    outgoing.sent = false;
    if (isReadOnly(error)) return session.lose(error);
    if (PASSING.test(error.message)) this.setRefusal(error.message);
    else this.open.fail(outgoing, new BrokerUnavailableError(`the broker refuses: ${error.message}`, { cause: error }));
  }

  private setRefusal(refusal: string | undefined): void {
    if (refusal !== undefined && this.refusal === undefined) this.settings.report(new Error(refusal));
    this.refusal = refusal;
    clearTimeout(this.probe);
    if (refusal !== undefined && !this.stopped) this.probe = setTimeout(() => void this.tryAgain(), PROBE_INTERVAL_MS);
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

  private whyLate({ sent }: Outgoing): string {
    return this.refusal !== undefined
      ? `the broker takes no messages for now (blocked: ${this.refusal})`
      : !this.sessions.current
        ? 'the broker is not connected'
        : sent
          ? 'the broker did not confirm'
          : 'too many publications wait';
  }
}
