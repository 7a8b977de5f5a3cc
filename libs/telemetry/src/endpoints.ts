import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, Logger, RequestMethod } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { Registry } from 'prom-client';
import { Health, type HealthAnswer } from './health.js';
import { Metrics } from './metrics.js';
import { ownRoutes } from './own-routes.js';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Where an app tells how it is; nothing is told where no path is given. */
export interface TelemetryPaths {
  readonly health: string | undefined;
  readonly metrics: string | undefined;
  /** Resolves with what a caller that may not read the metrics is answered; everybody may read health. */
  readonly refusal: (request: IncomingMessage) => Promise<Refusal | undefined>;
}

export interface Refusal extends Answer {
  readonly headers?: Readonly<Record<string, string>>;
}

/** The path of everything that is known of an app's health, and what is told below it. */
export const healthPaths = (health: string): Readonly<Record<'all' | 'live' | 'ready', string>> => ({
  all: health,
  live: `${health}/live`,
  ready: `${health}/ready`,
});

/**
 * `GET /health`, `/health/live`, `/health/ready` and `/metrics`. They are mounted at the HTTP adapter before all else that the app
 * has there: its prefix, versions, middleware, guards, pipes, interceptors and filters are for its own routes, and must
 * neither move nor refuse a health check.
 */
@Injectable()
export class TelemetryEndpoints {
  private readonly logger = new Logger('AgentMQ');

  constructor(
    private readonly health: Health,
    private readonly metrics: Metrics,
    private readonly host: HttpAdapterHost,
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
  ) {}

  /** For the `configure` of a Nest module. A path at which the app itself answers is left to the app, and a log line tells it. */
  async mount({ health, metrics, refusal }: TelemetryPaths): Promise<void> {
    const answers = new Map<string, () => Promise<Answer>>();
    if (health !== undefined) {
      const { all, live, ready } = healthPaths(health);
      answers.set(all, async () => healthText(await this.health.all()));
      answers.set(live, async () => healthText(await this.health.live()));
      answers.set(ready, async () => healthText(await this.health.ready()));
    }
    if (metrics !== undefined) answers.set(metrics, () => this.metricsText());
    const taken = ownRoutes(this.modules, this.config);
    for (const [path, answer] of answers) {
      const mayRead = path === metrics ? refusal : allowed;
      if (!taken.has(path)) await this.serve(path, answer, mayRead);
      else
        this.logger.log(
          `GET ${path} is the app's own: AgentMQ's can be moved by HTTP_HEALTH_PATH and HTTP_METRICS_PATH`,
        );
    }
  }

  private async serve(path: string, answer: () => Promise<Answer>, refusal: TelemetryPaths['refusal']): Promise<void> {
    const middleware = async (request: IncomingMessage, response: ServerResponse, next: () => void): Promise<void> => {
      // Fastify's middleware runs for every method.
      if (request.method !== 'GET' && request.method !== 'HEAD') return next();
      const answered = async (): Promise<Refusal> => (await refusal(request)) ?? answer();
      const { status, type, text, headers } = await answered().catch((error: unknown) => this.failed(path, error));
      response.writeHead(status, {
        ...headers,
        'content-type': type,
        'cache-control': 'no-cache, no-store, must-revalidate',
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
    };
    const mountAt = await this.host.httpAdapter.createMiddlewareFactory(RequestMethod.GET);
    // `$`: this path alone, not those below it
    mountAt(`${path}$`, middleware);
  }

  private async metricsText(): Promise<Answer> {
    return { status: 200, type: Registry.PROMETHEUS_CONTENT_TYPE, text: await this.metrics.registry.metrics() };
  }

  private failed(path: string, error: unknown): Refusal {
    this.logger.error(`${path}: ${String(error)}`);
    return { status: 500, type: 'text/plain; charset=utf-8', text: 'failed' };
  }
}

const allowed: TelemetryPaths['refusal'] = () => Promise.resolve(undefined);

const healthText = ({ status, body }: HealthAnswer): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  text: JSON.stringify(body),
});
