import { Injectable } from '@nestjs/common';
import { AgentRegistry } from 'agentmq/agent';
import { AgentStore } from 'agentmq/message-store';
import { toRole } from 'agentmq/protocol';
import { MessageBus } from 'agentmq/messaging';
import { choicesFor, type Destination, parseDestination, type Routing } from '../distribution/destination.js';
import { Router } from '../distribution/routing/router.js';
import { Tasks } from '../tasks/client/tasks.js';
import { BacklogSource } from './backlog-source.js';

/**
 * A role's backlog: the messages that wait in its inbox, the tasks that wait for it, and what its agents are at: their
 * tasks by the database, or what they handle by their last heartbeats, whichever is more. What they are at counts, as in
 * KEDA's scalers of queues: otherwise workers that just keep up would be stopped. Messages for one certain agent do not. What an
 * agent of several roles handles counts for each of them: its heartbeat does not say for which it is.
 */
@Injectable()
export class RoleBacklog extends BacklogSource {
  constructor(
    private readonly registry: AgentRegistry,
    private readonly record: AgentStore,
    private readonly router: Router,
    private readonly bus: MessageBus,
    private readonly tasks: Tasks,
  ) {
    super();
  }

  async of(role: string): Promise<number> {
    const healthy = this.registry.find({ role }).map(({ id }) => id);
    const [messages, tasks, { agents }] = await Promise.all([
      this.bus.waiting(toRole(role)),
      this.tasks.backlog(),
      // exact: the registry's own view is of an earlier heartbeat where little has changed
      this.record.read(healthy),
    ]);
    let [queued, assigned] = [0, 0];
    for (const open of tasks) {
      if (!isFor(role, parseDestination(open.destination), this.registry, this.router)) continue;
      queued += open.queued;
      assigned += open.assigned;
    }
    const handling = agents.reduce((total, { inFlight }) => total + inFlight, 0);
    return (messages ?? 0) + queued + Math.max(assigned, handling);
  }
}

/**
 * Whether more agents of a role would help with what goes to a destination: the role itself, a capability that its agents
 * declare, or declared when there were any, or one that a routing rule gives to either of these, be it as the first
 * choice or as the one that counts since no agent of the choices before it is there. Never one certain agent.
 */
export function isFor(role: string, to: Destination, agents: Pick<AgentRegistry, 'find'>, routing: Routing): boolean {
  const targets = ('capability' in to ? routing.find(to.capability)?.targets : undefined) ?? [to];
  const present = choicesFor(to, agents, routing).findIndex(({ length }) => length > 0);
  const chosen = [targets[0], targets[Math.max(0, present)]];
  return chosen.some((target) => {
    if (!target || 'agent' in target) return false;
    if ('role' in target) return target.role === role;
    return agents.find({ role, capability: target.capability, health: 'any' }).length > 0;
  });
}
