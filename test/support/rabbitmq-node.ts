import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rabbitMqFolder } from './binaries.js';
import { GuardedProcess } from './guarded-process.js';
import { randomNamespace } from './names.js';
import { freePort, untilFree } from './ports.js';
import { probeAmqp } from './probes.js';
import { otherUser, ThrowawayFolder, type User } from './throwaway-folder.js';

const run = promisify(execFile);

export interface RabbitMqNodeOptions {
  /** Lines for rabbitmq.conf, e.g. `vm_memory_high_watermark.absolute = 300MB`. */
  config?: string[];
  /** How long a start may take once the node's ports are free, in ms: default 60,000. */
  startTimeoutMs?: number;
  /** For a node of a cluster: what all its nodes share. By default the node is on its own. */
  membership?: Membership;
}

export interface Membership {
  /** The port of the Erlang port mapper (epmd) that finds the nodes. */
  epmd: number;
  /** The Erlang cookie that lets the nodes talk to each other. */
  cookie: string;
}

interface Ports {
  amqp: number;
  distribution: number;
  epmd: number;
}

/** What the Erlang VM or RabbitMQ says when it can't listen. */
const PORT_TAKEN = /eaddrinuse|could_not_start_listener/i;
/** A client that was given the port for a connection holds it for another 60 s after the end of that (TIME_WAIT). */
const PORT_WAIT_MS = 75_000;
const MAX_ATTEMPTS = 3;

/** With its own Erlang port mapper in its process group: the machine's is neither used nor left running. */
const LAUNCH_ALONE = 'epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" & exec "$0" "$@"';
const LAUNCH_MEMBER = 'exec "$0" "$@"';

/**
 * A RabbitMQ node of the test's own, on free ports of 127.0.0.1, with the user guest/guest and no plugins. The test may
 * restart, kill or wipe it. It ends with the process that started it, however that ends.
 */
export class RabbitMqNode {
  readonly url: string;
  /** The Erlang node's name. */
  readonly name = `${randomNamespace('agentmq')}@localhost`;
  private server: GuardedProcess | undefined;

  private constructor(
    private readonly scripts: string,
    private readonly user: User | undefined,
    private readonly folder: ThrowawayFolder,
    private readonly ports: Ports,
    private readonly options: RabbitMqNodeOptions,
  ) {
    this.url = `amqp://guest:guest@127.0.0.1:${ports.amqp}`;
  }

  /** Resolves when the new, empty node accepts connections. */
  static async start(options: RabbitMqNodeOptions = {}): Promise<RabbitMqNode> {
    const scripts = rabbitMqFolder();
    if (scripts === undefined) throw new Error('RabbitMQ is not installed: no rabbitmq-server found');
    const user = otherUser('rabbitmq');
    const epmd = options.membership?.epmd ?? (await freePort());
    const ports = { amqp: await freePort(), distribution: await freePort(), epmd };
    const node = new RabbitMqNode(scripts, user, ThrowawayFolder.create('rabbitmq', user), ports, options);
    try {
      node.writeConfig();
      await node.up();
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  /**
   * Starts the node again, on the same port and with the data that it has; resolves when it accepts connections. Waits
   * for a port that something else has taken meanwhile.
   */
  async up(): Promise<void> {
    if (this.running) return;
    for (let attempt = 1; ; attempt++) {
      const logged = this.wholeLog().length;
      const server = await this.launch();
      const refusal = await this.answering(server, Date.now() + (this.options.startTimeoutMs ?? 60_000));
      if (refusal === undefined) return;
      const portWasTaken = !server.running && PORT_TAKEN.test(this.wholeLog().slice(logged));
      if (!portWasTaken || attempt === MAX_ATTEMPTS)
        throw new Error(`RabbitMQ did not start (${refusal}):\n${this.log()}`);
      const { amqp, distribution, epmd } = this.ports;
      await untilFree(this.options.membership ? [amqp, distribution] : [amqp, distribution, epmd], PORT_WAIT_MS);
    }
  }

  /** Stops the node as an operator would, and starts it again with its data; clients see their connections closed. */
  async restart(): Promise<void> {
    // the Erlang VM then stops its applications in order
    await this.down();
    await this.up();
  }

  /** Stops the node as an operator would; its data stays. */
  async down(): Promise<void> {
    await this.server?.end('SIGTERM');
  }

  /** Where the node keeps its data. */
  get dataFolder(): string {
    return this.folder.join('data');
  }

  /** SIGKILL of the Erlang VM: nothing is written, closed or said any more. Its data stays. */
  async kill(): Promise<void> {
    await this.server?.end('SIGKILL');
  }

  /** Kills the node if it is running, and deletes all that it had stored: `up()` starts an empty one. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(this.folder.join('data'), { recursive: true, force: true, maxRetries: 5 });
  }

  /** Runs `rabbitmqctl -n <this node> …args`, which takes a second or more; resolves with what it printed. */
  async ctl(...args: string[]): Promise<string> {
    const { stdout } = await run(join(this.scripts, 'rabbitmqctl'), ['-q', '-n', this.name, ...args], {
      env: this.environment(),
      cwd: this.folder.path,
      maxBuffer: 64 * 1024 * 1024,
      ...(this.user && { uid: this.user.uid, gid: this.user.gid }),
    });
    return stdout;
  }

  /** Raises the memory alarm: publishers are blocked from now on. */
  async exhaustMemory(): Promise<void> {
    await this.ctl('set_vm_memory_high_watermark', '0.000001');
  }

  /** Clears it. */
  async relieveMemory(): Promise<void> {
    await this.ctl('set_vm_memory_high_watermark', '0.4');
  }

  get running(): boolean {
    return this.server?.running ?? false;
  }

  /** Ends the node and removes all of it; may be called twice. */
  async stop(): Promise<void> {
    await this.kill();
    this.folder.remove();
  }

  /** The end of what the node has logged. */
  log(): string {
    return this.wholeLog().slice(-4_000);
  }

  private wholeLog(): string {
    const file = this.folder.join('output.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  private async launch(): Promise<GuardedProcess> {
    this.makeDataFolder();
    const launch = this.options.membership ? LAUNCH_MEMBER : LAUNCH_ALONE;
    const args = ['-c', launch, join(this.scripts, 'rabbitmq-server'), '-noinput', '-agentmq_folder', this.folder.path];
    const server = await GuardedProcess.spawn('/bin/sh', args, {
      env: this.environment(),
      cwd: this.folder.path,
      logFile: this.folder.join('output.log'),
      folder: this.folder.path,
      ...(this.user && { user: { uid: this.user.uid, gid: this.user.gid } }),
    });
    this.server = server;
    this.folder.noteServer(server.pid);
    return server;
  }

  /** Resolves with undefined once the node answers, or with why not when it has ended or the time is over. */
  private async answering(server: GuardedProcess, end: number): Promise<string | undefined> {
    for (;;) {
      const refusal = await probeAmqp(this.url);
      // what answers on a port that was taken is something else
      if (refusal === undefined && server.running) return undefined;
      if (!server.running || Date.now() > end) return refusal ?? 'something else answers on its port';
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  private writeConfig(): void {
    const lines = [
      `listeners.tcp.local = 127.0.0.1:${this.ports.amqp}`,
      'log.console = true',
      'log.console.level = warning',
      'log.file = false',
      ...(this.options.config ?? []),
    ];
    writeFileSync(this.folder.join('rabbitmq.conf'), `${lines.join('\n')}\n`);
    writeFileSync(this.folder.join('enabled_plugins'), '[].\n');
  }

  private makeDataFolder(): void {
    for (const name of ['data', 'home']) {
      mkdirSync(this.folder.join(name), { recursive: true });
      if (this.user) chownSync(this.folder.join(name), this.user.uid, this.user.gid);
    }
    const { membership } = this.options;
    const cookie = this.folder.join('home/.erlang.cookie');
    if (!membership || existsSync(cookie)) return;
    writeFileSync(cookie, membership.cookie, { mode: 0o400 });
    if (this.user) chownSync(cookie, this.user.uid, this.user.gid);
  }

  private environment(): Record<string, string> {
    const loopback = '-kernel inet_dist_use_interface {127,0,0,1}';
    return {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      // the Erlang cookie that node and rabbitmqctl share is made there
      HOME: this.folder.join('home'),
      ERL_EPMD_PORT: String(this.ports.epmd),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: this.name,
      RABBITMQ_NODE_PORT: String(this.ports.amqp),
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_DIST_PORT: String(this.ports.distribution),
      RABBITMQ_MNESIA_BASE: this.folder.join('data'),
      RABBITMQ_LOG_BASE: this.folder.join('data'),
      RABBITMQ_ENABLED_PLUGINS_FILE: this.folder.join('enabled_plugins'),
      RABBITMQ_CONFIG_FILE: this.folder.join('rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: this.folder.join('advanced.config'),
      RABBITMQ_CONF_ENV_FILE: this.folder.join('rabbitmq-env.conf'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none ${loopback}`,
      RABBITMQ_CTL_ERL_ARGS: loopback,
      // the script becomes the Erlang VM instead of staying as its parent: a signal reaches the VM
      RABBITMQ_ALLOW_INPUT: 'true',
    };
  }
}
