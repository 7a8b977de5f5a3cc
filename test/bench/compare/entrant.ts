import { randomNamespace } from '../../support/index.js';
import { HostProcess, type HostOptions, type Latencies } from './host-process.js';
import type { Load } from './load.js';

export interface Throughput {
  /** Messages per second, from the first send until the last message is done with. */
  readonly rate: number;
  /** What one message cost the processes of both ends, in µs of CPU time. */
  readonly cpu: number;
}

export interface EntrantOptions {
  readonly contender: string;
  /** Both ends in one process, or each in one of its own. */
  readonly processes: 1 | 2;
  /** Receivers in processes of their own; not with one process. */
  readonly receivers?: number;
  readonly concurrency?: number;
  readonly prefetch?: number;
  readonly handlerMs?: number;
  /** On top of the environment of the bench. */
  readonly env?: Readonly<Record<string, string>>;
}

const PREFETCH = 500;
/** Far below the 10,000 messages that a queue of AgentMQ takes. */
const UNHANDLED = 4_000;
const SENDING = 256;

/** A contender that is ready to be measured, with its ends in processes that have nothing else to do. */
export class Entrant {
  private sent = 0;
  private handled = 0;

  private constructor(
    readonly id: string,
    readonly namespace: string,
    readonly canRequest: boolean,
    private readonly sender: HostProcess,
    private readonly receivers: readonly HostProcess[],
  ) {
    for (const receiver of receivers)
      if (receiver !== sender)
        receiver.onHandled = (count) => {
          this.handled += count;
          sender.tell('handledElsewhere', count);
        };
  }

  static async open(options: EntrantOptions): Promise<Entrant> {
    const { contender, processes, receivers = 1, prefetch = PREFETCH, concurrency = prefetch } = options;
    const namespace = randomNamespace('bench');
    const { handlerMs = 0, env = {} } = options;
    const base = { contender, namespace, prefetch, concurrency, handlerMs, env };
    const host = (ends: HostOptions['ends']): Promise<HostProcess> => HostProcess.start({ ...base, ends });
    if (processes === 1) {
      const both = await host('both');
      return new Entrant(contender, namespace, await both.call('canRequest'), both, [both]);
    }
    // the first makes what the others find
    const first = await host('receiver');
    const others = await Promise.all(Array.from({ length: receivers - 1 }, () => host('receiver')));
    const sender = await host('sender');
    return new Entrant(contender, namespace, await sender.call('canRequest'), sender, [first, ...others]);
  }

  async throughput(messages: number, unhandled = UNHANDLED): Promise<Throughput> {
    const load: Load = { messages, sending: SENDING, unhandled };
    const before = await this.cpu();
    const start = performance.now();
    await this.sender.call('stream', load);
    await Promise.all(this.receivers.map((receiver) => receiver.call('finish')));
    const took = performance.now() - start;
    this.sent += messages;
    return { rate: (messages * 1_000) / took, cpu: ((await this.cpu()) - before) / messages };
  }

  /** Sends at a steady rate, and resolves with how late the handlers began. */
  async latencies(perSecond: number, ms: number): Promise<Latencies> {
    const [receiver] = this.receivers as [HostProcess];
    await receiver.call('timed', true);
    this.sent += await this.sender.call<number>('steady', perSecond, ms);
    return receiver.call<Latencies>('timed', false);
  }

  /** In ms. */
  roundTrip(requests: number): Promise<number> {
    return this.sender.call('roundTrip', requests);
  }

  /** Per second. */
  requestRate(requests: number, atOnce: number): Promise<number> {
    return this.sender.call('requestRate', requests, atOnce);
  }

  /** MB, of the process of the sender. */
  residentMemory(): Promise<number> {
    return this.sender.call('residentMemory');
  }

  /** What receivers in processes of their own have handled up to now. */
  get handledCount(): number {
    return this.handled;
  }

  /** Throws unless all that was sent ended as promised. */
  async check(): Promise<void> {
    await this.receivers[0]?.call('check', this.sent);
  }

  async close(): Promise<void> {
    const hosts = [this.sender, ...this.receivers];
    await this.sender.call('closeSender').catch(() => undefined);
    for (const receiver of this.receivers.toReversed())
      await receiver.call('closeReceiver').catch((error: unknown) => console.error(error));
    for (const host of hosts) host.kill();
  }

  /** Of all its processes, in µs. */
  private async cpu(): Promise<number> {
    const hosts = new Set([this.sender, ...this.receivers]);
    const used = await Promise.all([...hosts].map((host) => host.call<number>('cpu')));
    return used.reduce((sum, each) => sum + each, 0);
  }
}
