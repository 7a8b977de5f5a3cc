import type { AgentHandler } from './pipeline/agent-handlers.js';

/** A way by which work comes to an agent beside its inboxes. Given to `AgentServer.addIntake` before the agent listens. */
export interface Intake {
  /**
   * Called before other agents are told of this one, with all that its methods handle: work may come as soon as they are. A
   * rejection prevents the start.
   */
  open(handlers: readonly AgentHandler[]): Promise<void>;
  /**
   * Takes nothing more, lets what runs end for at most `timeoutMs`, and then gives back what has not; resolves soon after. Called
   * once, also if it was not opened. Listeners of the bus need none: the bus closes them.
   */
  close?(timeoutMs: number): Promise<void>;
}
