import { violationsOf } from './accounting.js';
import type { Fault, FaultReport } from './fault.js';
import { type Form, Scene } from './scene.js';
import type { Servers } from './servers.js';

const QUIET_WITHIN_MS = 90_000;

/**
 * Runs one fault: under load, then healed, until quiet, until all processes have stopped; then every number is
 * accounted for. Rejects when the fault itself could not be carried out, or does not become quiet, with what the
 * processes wrote.
 */
export async function runFault(fault: Fault, form: Form, servers: Servers): Promise<FaultReport> {
  const { needs, quietWithinMs = QUIET_WITHIN_MS } = fault;
  const scene = await Scene.open({ form, needs, quietWithinMs, messages: fault.messages[form] }, servers);
  try {
    await fault.run(scene);
    const quietMs = await scene.quiet();
    await scene.stopProcesses();
    const account = await scene.ledger.account(scene.sent());
    const violations = violationsOf(account, fault.expected);
    return { fault, account, quietMs, notes: scene.notes, violations };
  } catch (error) {
    const backlog = await scene.ledger.backlog().catch(String);
    const reason = error instanceof Error ? error.message : String(error);
    const text = `${fault.name}: ${reason}\nleft to do: ${JSON.stringify(backlog)}\n${scene.outputs()}`;
    throw new Error(text, { cause: error });
  } finally {
    await scene.close();
  }
}
