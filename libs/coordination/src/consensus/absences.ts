import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { AgentRegistry, AgentServer, type RegistryEvent } from 'agentmq/agent';
import { StoreUnavailableError } from 'agentmq/message-store';
import { backoff, pause } from 'agentmq/messaging';
import type { Subscription } from 'rxjs';
import type { AbsenceReason } from './proposal.js';
import { VoteCounting } from './vote-counting.js';

const MEANINGS: Readonly<Record<RegistryEvent['kind'], AbsenceReason | 'back' | undefined>> = {
  dead: 'dead',
  left: 'stopped',
  joined: 'back',
  recovered: 'back',
  suspect: undefined,
};

/** Tells open proposals who of their electors is gone, and who is back. What happens meanwhile is told together, next. */
@Injectable()
export class Absences implements OnModuleDestroy {
  private readonly logger = new Logger('Consensus');
  private readonly events: Subscription;
  private readonly untold = new Map<string, AbsenceReason | undefined>();
  private telling = false;

  constructor(
    private readonly registry: AgentRegistry,
    private readonly server: AgentServer,
    private readonly counting: VoteCounting,
  ) {
    this.events = registry.events.subscribe(({ kind, agent }) => {
      const meaning = MEANINGS[kind];
      if (meaning === undefined) return;
      this.untold.set(agent.id, meaning === 'back' ? undefined : meaning);
      this.wake();
    });
  }

  /** Looks who of these is gone: what was told while a proposal to them was being committed has not reached it. */
  lookAgain(electors: readonly string[]): void {
    for (const id of electors) {
      const [agent] = this.registry.find({ id, health: ['dead', 'stopped'] });
      if (agent) this.untold.set(id, agent.health === 'dead' ? 'dead' : 'stopped');
    }
    this.wake();
  }

  onModuleDestroy(): void {
    this.events.unsubscribe();
  }

  private wake(): void {
    if (!this.telling) void this.tell();
  }

  private async tell(): Promise<void> {
    this.telling = true;
    const { stopping } = this.server;
    for (let failures = 0; this.untold.size > 0 && !stopping.aborted;) {
      const batch = new Map(this.untold);
      this.untold.clear();
      try {
        await this.counting.noteAbsence(batch);
        failures = 0;
      } catch (error) {
        if (!stopping.aborted)
          this.logger.warn(`absent electors: ${error instanceof Error ? error.message : String(error)}`);
        if (!(error instanceof StoreUnavailableError)) continue;
        for (const [id, meaning] of batch) if (!this.untold.has(id)) this.untold.set(id, meaning);
        await pause(backoff(failures++), stopping);
      }
    }
    this.telling = false;
  }
}
