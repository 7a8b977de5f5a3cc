import { Injectable } from '@nestjs/common';
import { Sampler } from 'agentmq/messaging';
import { AgentIdentity } from '../identity.js';
import { AgentSettings } from '../settings/settings.js';
import { exportSpans } from './span-export.js';

/** The export of the spans of a process whose one app this is. */
@Injectable()
export class ProcessSpans {
  private end: (() => Promise<void>) | undefined;

  constructor(
    private readonly identity: AgentIdentity,
    private readonly settings: AgentSettings,
    private readonly sampler: Sampler,
  ) {}

  /** Resolves, and rejects, as {@link exportSpans} does. */
  async start(): Promise<void> {
    const { id, roles } = this.identity;
    const source = { serviceName: roles[0] ?? 'client', namespace: this.settings.namespace, instanceId: id };
    this.end = await exportSpans(source, this.sampler);
  }

  /** Gives out the last spans. Never rejects. Safe to call twice. */
  async stop(): Promise<void> {
    await this.end?.();
    this.end = undefined;
  }
}
