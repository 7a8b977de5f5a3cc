import { Client } from 'pg';
import { AppProcess, databaseUrl, randomNamespace, removeNamespace, testBus, until } from '../support/index.js';

/** A task as `GET /tasks/:id` tells it. */
export interface TaskView {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly result?: Record<string, unknown>;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly path: readonly string[];
  readonly finishedAt: string | null;
  /** How many there are, and the first of them. */
  readonly parts: { readonly count: number; readonly tasks: readonly { readonly agentId: string | null }[] };
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Agent apps in processes of their own, over the bus of the tests and Postgres, in a namespace of their own. */
export class Deployment {
  readonly namespace = randomNamespace('e2e');
  private readonly apps = new Map<string, AppProcess>();
  private readonly all: AppProcess[] = [];

  /** Starts an app as the agent `id`, in the place of one that had that id. Resolves when the process has been created. */
  async start(app: string, id: string, env: Record<string, string> = {}, args: string[] = []): Promise<AppProcess> {
    const settings = {
      NAMESPACE: this.namespace,
      ...testBus.environment(testBus.sharedUrl()),
      DATABASE_URL: databaseUrl(),
      AGENT_ID: id,
      REGISTRY_HEARTBEAT_INTERVAL: '1',
      REGISTRY_AGENT_TIMEOUT: '3',
      ...env,
    };
    const process = await AppProcess.start(app, settings, { args });
    this.apps.set(id, process);
    this.all.push(process);
    return process;
  }

  /** The app that runs, or ran last, as the agent `id`. */
  app(id: string): AppProcess {
    const app = this.apps.get(id);
    if (!app) throw new Error(`${id} was not started`);
    return app;
  }

  /** Kills what still runs. */
  async stop(): Promise<void> {
    await Promise.all(this.all.map((app) => app.kill()));
  }

  /** Kills what still runs, and leaves nothing behind. */
  async close(): Promise<void> {
    await this.stop();
    await removeNamespace(this.namespace);
  }
}

/** Rows of the deployment's database; `NS` in the statement is its schema. */
export async function rowsOf<Row>({ namespace }: Deployment, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: databaseUrl() });
  await client.connect();
  try {
    return (await client.query<Row & object>(sql.replaceAll('NS', namespace))).rows;
  } finally {
    await client.end();
  }
}

/** Asks an app; resolves with the status and the JSON that it answered. */
export async function ask(app: AppProcess, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${app.url}${path}`, { signal: AbortSignal.timeout(20_000), ...init });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Posts a JSON text, or anything else as JSON. */
export function post(coordinator: AppProcess, task: unknown): Promise<Answer> {
  return ask(coordinator, '/tasks', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof task === 'string' ? task : JSON.stringify(task),
  });
}

/** Posts a task; resolves with its id once it is accepted. */
export async function submit(coordinator: AppProcess, task: unknown): Promise<string> {
  const { status, body } = await post(coordinator, task);
  if (status !== 202) throw new Error(`the task was answered with ${status}: ${JSON.stringify(body)}`);
  return body['id'] as string;
}

export async function taskOf(coordinator: AppProcess, id: string): Promise<TaskView> {
  const { status, body } = await ask(coordinator, `/tasks/${id}`);
  if (status !== 200) throw new Error(`task ${id} was answered with ${status}: ${JSON.stringify(body)}`);
  return body as unknown as TaskView;
}

/** Resolves when the task has ended, however it did. */
export function ended(coordinator: AppProcess, id: string, pauseMs = 100): Promise<TaskView> {
  return until(`the end of task ${id}`, () => finishedOrUndefined(coordinator, id), 60_000, pauseMs);
}

async function finishedOrUndefined(coordinator: AppProcess, id: string): Promise<TaskView | undefined> {
  const task = await taskOf(coordinator, id);
  return task.finishedAt === null ? undefined : task;
}

/** The value of one of an app's metrics; 0 for one that is not there yet. `series` is name and labels as they are printed. */
export async function metric(app: AppProcess, series: string): Promise<number> {
  const response = await fetch(`${app.url}/metrics`, { signal: AbortSignal.timeout(20_000) });
  const line = (await response.text()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? 0 : Number(line.slice(series.length + 1));
}
