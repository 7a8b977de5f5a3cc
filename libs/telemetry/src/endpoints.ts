import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, Logger, type MiddlewareConsumer, RequestMethod } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Health, type HealthAnswer } from './health.js';
import { Metrics } from './metrics.js';

/** Where an app tells how it is. */
export const HEALTH_PATHS = ['/health', '/health/live', '/health/ready'] as const;
const METRICS_PATH = '/metrics';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/**
 * `GET /health`, `/health/live`, `/health/ready` and `/metrics`. They are middleware, not controllers: the app's guards,
 * pipes, interceptors and filters are for its own routes, and must not refuse a health check.
 */
@Injectable()
export class TelemetryEndpoints {
  private readonly logger = new Logger('AgentMQ');

  constructor(
    private readonly health: Health,
    private readonly metrics: Metrics,
  ) {}

  /** For the `configure` of a Nest module. */
  configure(consumer: MiddlewareConsumer): void {
    const checks = { '/health': 'all', '/health/live': 'live', '/health/ready': 'ready' } as const;
    for (const path of HEALTH_PATHS)
      this.serve(consumer, path, async () => healthText(await this.health[checks[path]]()));
    this.serve(consumer, METRICS_PATH, async () => ({
      status: 200,
      type: Registry.PROMETHEUS_CONTENT_TYPE,
      text: await this.metrics.registry.metrics(),
    }));
  }

  private serve(consumer: MiddlewareConsumer, path: string, answer: () => Promise<Answer>): void {
    const middleware = async (_: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { status, type, text } = await answer().catch((error: unknown) => this.failed(path, error));
      response.writeHead(status, {
        'content-type': type,
        'cache-control': 'no-cache, no-store, must-revalidate',
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
    };
    consumer.apply(middleware).forRoutes({ path, method: RequestMethod.GET });
  }

  private failed(path: string, error: unknown): Answer {
    this.logger.error(`${path}: ${String(error)}`);
    return { status: 500, type: 'text/plain; charset=utf-8', text: 'failed' };
  }
}

const healthText = ({ status, body }: HealthAnswer): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  text: JSON.stringify(body),
});
