import { type AppProcess, databaseUrl, until } from '../support/index.js';
import type { CliExit } from './cli-run.js';
import { CommandLines } from './command-lines.js';
import { type Answer, ask, type Deployment } from './deployment.js';

/** A message as the monitor tells it. */
export interface MessageView {
  readonly id: string;
  readonly causationId?: string;
  readonly deliveries: readonly { readonly consumer: string; readonly state: string; readonly attempt: number }[];
}

/** Sends JSON. */
export function send(app: AppProcess, path: string, body: unknown = {}, method = 'POST'): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return ask(app, path, { method, headers, body: JSON.stringify(body) });
}

/** What an operator has: the monitor over HTTP, and `agentmq` with nothing but the database. */
export class Operator {
  private commands: CommandLines | undefined;

  constructor(
    private readonly system: Deployment,
    private readonly folder: string,
    private readonly monitor: string,
  ) {}

  /** Runs `agentmq`. */
  cli(args: readonly string[], env: Record<string, string> = {}): Promise<CliExit> {
    this.commands ??= new CommandLines();
    return this.commands.run(this.folder, args, { ...this.settings, ...env });
  }

  /** What `agentmq` needs to know. */
  get settings(): Record<string, string> {
    return { DATABASE_URL: databaseUrl(), NAMESPACE: this.system.namespace };
  }

  /** Rejects when a command has left something open. */
  async close(): Promise<void> {
    await this.commands?.close();
  }

  async message(id: string): Promise<MessageView> {
    const { body } = await ask(this.system.app(this.monitor), `/messages/${id}`);
    return body as unknown as MessageView;
  }

  /** Resolves when the delivery is in that state, and was claimed at least so often. */
  async delivery(id: string, consumer: string, state: string, attempt = 0): Promise<void> {
    await until(
      `${id} to be ${state} at ${consumer}`,
      async () =>
        (await this.message(id)).deliveries?.some(
          (each) => each.consumer === consumer && each.state === state && each.attempt >= attempt,
        ),
      30_000,
      50,
    );
  }

  /** Sends a slip to the clerks; resolves with its id. */
  async slip(text: string): Promise<string> {
    return (await send(this.system.app('clerk'), '/slips', { text })).body['id'] as string;
  }

  /** Sends a slip that the clerks refuse; resolves when it is dead. */
  async deadSlip(text: string): Promise<string> {
    const id = await this.slip(`refuse ${text}`);
    await this.delivery(id, 'role.clerk', 'dead');
    return id;
  }
}
