import { Injectable } from '@nestjs/common';
import { AgentServer } from '../agent-server.js';

/** Ends this agent from within, as gracefully as SIGTERM does from outside: what it holds is finished or given back. */
@Injectable()
export class SelfStop {
  private end: () => Promise<void>;
  private ended: Promise<void> | undefined;

  constructor(server: AgentServer) {
    this.end = () => server.close();
  }

  /** The starter of the agent says how all of it ends, its process too if that is the agent's alone. */
  endsBy(end: () => Promise<void>): void {
    this.end = end;
  }

  /**
   * Resolves when the agent has stopped; in a process of its own that is the end of it, with exit code 0. A handler must not
   * wait for it, since it waits for the handlers. Safe to call twice.
   */
  stop(): Promise<void> {
    this.ended ??= this.end();
    return this.ended;
  }
}
