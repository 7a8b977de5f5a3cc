import { Injectable } from '@nestjs/common';
import { AgentRegistry, AgentSettings } from 'agentmq/agent';
import { BacklogSource } from './backlog-source.js';
import { UnknownRoleError } from './errors.js';
import { warrantedBy } from './role-scaling.js';

/** How much a role has to do, and how many agents do it. */
export interface RoleScale {
  readonly role: string;
  /** Messages and tasks that wait for the role, or that its agents are at. */
  readonly backlog: number;
  /** Healthy agents. */
  readonly workers: number;
  /** How many the backlog warrants now: one for each `SCALING_TARGET_BACKLOG`, within min and max. */
  readonly desired: number;
  /** As `SCALING` has them; null for a role that it does not name. */
  readonly min: number | null;
  readonly max: number | null;
}

/** Tells how roles are scaled, or would be: alike on every coordinator, also where it does not lead. */
@Injectable()
export class Scaling {
  constructor(
    private readonly settings: AgentSettings,
    private readonly registry: AgentRegistry,
    private readonly backlog: BacklogSource,
  ) {}

  /** The roles of `SCALING`, and every role that an agent has, by name. Rejects with a retryable error while a backlog can't be known. */
  async all(): Promise<RoleScale[]> {
    const present = this.registry.find({ health: ['healthy', 'suspect', 'dead'] });
    const scaled = this.settings.scaling.roles.map(({ role }) => role);
    const roles = new Set([...scaled, ...present.flatMap((agent) => agent.roles)]);
    return Promise.all([...roles].sort().map((role) => this.scaleOf(role)));
  }

  /**
   * Of one role, whether or not `SCALING` names it. Rejects with {@link UnknownRoleError} when nothing is known of it,
   * `InvalidMessageError` for what is no role's name, and with a retryable error while its backlog can't be known.
   */
  async of(role: string): Promise<RoleScale> {
    const scale = await this.scaleOf(role);
    const known = scale.max !== null || scale.backlog > 0 || this.registry.find({ role, health: 'any' }).length > 0;
    if (!known) throw new UnknownRoleError(role);
    return scale;
  }

  private async scaleOf(role: string): Promise<RoleScale> {
    const { roles, targetBacklog } = this.settings.scaling;
    const { min = 0, max = Infinity } = roles.find((scaled) => scaled.role === role) ?? {};
    const backlog = await this.backlog.of(role);
    const scaled = max !== Infinity;
    return {
      role,
      backlog,
      workers: this.registry.find({ role }).length,
      desired: warrantedBy(backlog, { min, max, targetBacklog }),
      min: scaled ? min : null,
      max: scaled ? max : null,
    };
  }
}
