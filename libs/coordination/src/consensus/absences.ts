import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { AgentIdentity, AgentRegistry, AgentServer, type RegistryEvent } from 'agentmq/agent';
import { errorText } from 'agentmq/protocol';
import { StoreUnavailableError } from 'agentmq/database';
import { backoff, pause } from 'agentmq/time';
import type { Subscription } from 'rxjs';
import type { AbsenceReason } from './proposal.js';
import { VoteCounting } from './vote-counting.js';

/** Undefined for what changes nothing: an agent that is seen for the first time, after a long silence, is not back by that. */
function meaningOf({ kind, agent }: RegistryEvent): AbsenceReason | 'back' | undefined {
  if (kind === 'dead') return 'dead';
  if (kind === 'left') return 'stopped';
  return agent.health === 'healthy' ? 'back' : undefined;
}

/** Tells open proposals which of their electors are gone, and which are back. What happens meanwhile is told together, next. */
@Injectable()
export class Absences implements OnModuleDestroy {
  private readonly logger = new Logger('Consensus');
  private readonly events: Subscription;
  private readonly untold = new Map<string, AbsenceReason | undefined>();
  /** An elector that left while no agent of this role ran has made no event. */
  private lookAtAll = false;
  private telling = false;

  constructor(
    identity: AgentIdentity,
    private readonly registry: AgentRegistry,
    private readonly server: AgentServer,
    private readonly counting: VoteCounting,
  ) {
    this.events = registry.events.subscribe((event) => {
      const { kind, agent } = event;
      const meaning = meaningOf(event);
      if (meaning !== undefined) this.untold.set(agent.id, meaning === 'back' ? undefined : meaning);
      if (kind === 'joined' && agent.instance === identity.instance) this.lookAtAll = true;
      this.wake();
    });
  }

  /** Looks which of these are gone: what was told while a proposal to them was being committed has not reached it. */
  lookAgain(electors: readonly string[]): void {
    this.look(electors);
    this.wake();
  }

  onModuleDestroy(): void {
    this.events.unsubscribe();
  }

  private look(electors: readonly string[]): void {
    for (const id of electors) {
      const [agent] = this.registry.find({ id, health: ['dead', 'stopped'] });
      if (agent) this.untold.set(id, agent.health === 'dead' ? 'dead' : 'stopped');
    }
  }

  private wake(): void {
    if (!this.telling) void this.tell();
  }

  private async tell(): Promise<void> {
    this.telling = true;
    const { stopping } = this.server;
    for (let failures = 0; (this.lookAtAll || this.untold.size > 0) && !stopping.aborted;) {
      const all = this.lookAtAll;
      const batch = new Map(this.untold);
      this.lookAtAll = false;
      this.untold.clear();
      try {
        if (all) this.look(await this.counting.openElectors());
        await this.counting.noteAbsence(batch);
        failures = 0;
      } catch (error) {
        if (!stopping.aborted) this.logger.warn(`absent electors: ${errorText(error)}`);
        if (!(error instanceof StoreUnavailableError)) continue;
        this.lookAtAll ||= all;
        for (const [id, meaning] of batch) if (!this.untold.has(id)) this.untold.set(id, meaning);
        await pause(backoff(failures++), stopping);
      }
    }
    this.telling = false;
  }
}
