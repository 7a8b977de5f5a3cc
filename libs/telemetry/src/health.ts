import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import {
  HealthCheckService,
  type HealthIndicatorFunction,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { errorText } from 'agentmq/protocol';
import { answeredWithin } from './answered-within.js';

/** What a probe found. `down` makes `/health` answer 503, `degraded` does not. */
export interface ProbeResult {
  readonly status: 'up' | 'down' | 'degraded';
  readonly data: Readonly<Record<string, unknown>>;
}

/** One indicator of `/health`. A probe that throws, or takes longer than 3 s, is down. */
export interface HealthProbe {
  /** The indicator's key in the answer, e.g. `message_bus`. */
  readonly name: string;
  /** Also asked by `/health/ready`: while it is down the app should get no traffic. */
  readonly readiness: boolean;
  check(): Promise<ProbeResult>;
}

/** The probes of an app; also the Nest token that they are provided under. */
export abstract class HealthProbes {
  private readonly added: HealthProbe[] = [];

  /** For parts of the app that this one knows nothing of. */
  add(probe: HealthProbe): void {
    this.added.push(probe);
  }

  all(): readonly HealthProbe[] {
    return [...this.own(), ...this.added];
  }

  protected abstract own(): readonly HealthProbe[];
}

const PROBE_TIMEOUT_MS = 3_000;

/** The health of an app: Terminus' status and body. */
export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly body: unknown;
}

/** What an app answers on `/health`, `/health/live` and `/health/ready`, and its indicators for a health controller of the app's. */
@Injectable()
export class Health {
  constructor(
    private readonly health: HealthCheckService,
    private readonly results: HealthIndicatorService,
    private readonly probes: HealthProbes,
  ) {}

  /** Everything that is known; 503 when any indicator is down. */
  all(): Promise<HealthAnswer> {
    return this.run([processProbe, ...this.probes.all()]);
  }

  /**
   * For Terminus' `HealthCheckService.check` in a controller of the app's: the indicators of `/health/ready` (`agent`,
   * `message_bus`, `message_store`, `registry`), or all that `/health` has but `process`.
   */
  indicators(which: 'ready' | 'all' = 'ready'): HealthIndicatorFunction[] {
    return this.functions(which === 'all' ? this.probes.all() : this.readiness());
  }

  /** Whether the process should be left running: it answers. An unreachable broker or database is no reason to kill it. */
  live(): Promise<HealthAnswer> {
    return this.run([processProbe]);
  }

  /** Whether the agent can do its work now. */
  ready(): Promise<HealthAnswer> {
    return this.run(this.readiness());
  }

  private readiness(): readonly HealthProbe[] {
    return this.probes.all().filter((probe) => probe.readiness);
  }

  private functions(probes: readonly HealthProbe[]): HealthIndicatorFunction[] {
    return probes.map((probe) => () => this.check(probe));
  }

  private async run(probes: readonly HealthProbe[]): Promise<HealthAnswer> {
    try {
      return { status: 200, body: await this.health.check(this.functions(probes)) };
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      return { status: 503, body: error.getResponse() };
    }
  }

  private async check(probe: HealthProbe): Promise<HealthIndicatorResult> {
    const indicator = this.results.check(probe.name);
    try {
      const { status, data } = await answeredWithin(PROBE_TIMEOUT_MS, probe.check());
      if (status === 'up') return indicator.up(data);
      return status === 'down' ? indicator.down(data) : indicator.degraded(data);
    } catch (error) {
      return indicator.down({ message: errorText(error) });
    }
  }
}

const processProbe: HealthProbe = {
  name: 'process',
  readiness: false,
  check: () => Promise.resolve({ status: 'up', data: { uptime: Math.round(process.uptime()), pid: process.pid } }),
};
