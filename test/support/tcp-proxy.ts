import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort, untilFree } from './ports.js';

/** A client that tries to reach a proxy that refuses may itself have been given its port. */
const PORT_WAIT_MS = 20_000;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'amqp:': 5672, 'redis:': 6379, 'postgres:': 5432 };

export interface TcpTarget {
  host: string;
  port: number;
}

/** The two sockets of one connection through the proxy. */
interface Link {
  client: Socket;
  upstream: Socket;
}

/** Stands between a client and a server at 127.0.0.1 and a port of its own, and plays the broken network. */
export class TcpProxy {
  private server: Server | undefined;
  private readonly links = new Set<Link>();
  private readonly waiting = new Set<Socket>();
  private frozen = false;
  private record: Buffer[][] | undefined;

  private constructor(
    private readonly target: TcpTarget,
    readonly port: number,
  ) {}

  /** Resolves when the proxy accepts connections. */
  static async listen(target: TcpTarget): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, await freePort());
    await proxy.accept();
    return proxy;
  }

  /** A proxy in front of the server that a URL names; `through` makes the URL lead there. */
  static before(url: string): Promise<TcpProxy> {
    const { protocol, hostname, port } = new URL(url);
    return TcpProxy.listen({ host: hostname, port: Number(port) || (DEFAULT_PORTS[protocol] ?? 0) });
  }

  /** How many connections are open. */
  get connections(): number {
    return this.links.size + this.waiting.size;
  }

  /** The same URL, leading through the proxy. */
  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = '127.0.0.1';
    changed.port = String(this.port);
    return changed.href;
  }

  /** From now on keeps what new connections carry, each way by itself; returns what is kept. */
  recording(): readonly (readonly Buffer[])[] {
    return (this.record ??= []);
  }

  /** Destroys all open connections, on both sides; new ones are still accepted. */
  cut(): void {
    for (const { client, upstream } of this.links) {
      client.destroy();
      upstream.destroy();
    }
    for (const client of this.waiting) client.destroy();
    this.links.clear();
    this.waiting.clear();
  }

  /** Refuses new connections from now on; those that are open stay. */
  refuse(): void {
    this.server?.close();
    this.server = undefined;
  }

  /** Resolves when new connections are accepted again; waits for its port if something else has taken it. */
  async accept(): Promise<void> {
    if (this.server) return;
    await untilFree([this.port], PORT_WAIT_MS);
    const server = createServer((client) => this.take(client));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  /** Passes nothing on in either direction, and says nothing about it; sockets stay open and can even be opened. */
  freeze(): void {
    this.frozen = true;
    for (const { client, upstream } of this.links) {
      client.unpipe(upstream).pause();
      upstream.unpipe(client).pause();
    }
  }

  /** The same for connections that are open: new ones work, as behind a firewall that has forgotten the old ones. */
  freezeOpen(): void {
    this.freeze();
    this.frozen = false;
  }

  /** Passes on what was held back, and everything again. */
  thaw(): void {
    this.frozen = false;
    for (const link of this.links) flow(link);
    for (const client of this.waiting) this.join(client);
    this.waiting.clear();
  }

  /** Destroys all connections and stops listening. */
  async close(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    const closed = server && new Promise<void>((resolve) => server.close(() => resolve()));
    this.cut();
    await closed;
  }

  private take(client: Socket): void {
    client.setNoDelay(true);
    client.on('error', () => client.destroy());
    if (!this.frozen) {
      this.join(client);
      return;
    }
    client.pause();
    this.waiting.add(client);
    client.once('close', () => this.waiting.delete(client));
  }

  private join(client: Socket): void {
    const upstream = connect({ ...this.target, noDelay: true });
    const link = { client, upstream };
    this.links.add(link);
    upstream.on('error', () => upstream.destroy());
    upstream.once('close', () => {
      this.links.delete(link);
      client.destroy();
    });
    client.once('close', () => upstream.destroy());
    for (const socket of this.record ? [client, upstream] : []) {
      const chunks: Buffer[] = [];
      this.record?.push(chunks);
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    }
    flow(link);
  }
}

function flow({ client, upstream }: Link): void {
  client.pipe(upstream);
  upstream.pipe(client);
}
