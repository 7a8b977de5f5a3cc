import { stockContracts } from 'agentmq/contracts';
import { knownContracts } from 'agentmq/operations';
import { Contract, type PayloadClass } from 'agentmq/protocol';
import { Allow } from 'class-validator';

export interface ContractOptions {
  readonly version: number;
  readonly sensitive: boolean;
  readonly transient: boolean;
}

/**
 * The contract of a payload: one of AgentMQ's own, or one of an app's, of which only the name is known here: every field is sent as it is
 * given, and the agent that receives it checks it. Throws `InvalidMessageError` for a type that is none.
 */
export function contractFor(
  type: string,
  payload: object,
  { version, sensitive, transient }: ContractOptions,
): PayloadClass<Record<string, unknown>> {
  const known = knownContracts(stockContracts).find(type, version);
  if (known) return known.payload as unknown as PayloadClass<Record<string, unknown>>;
  class Payload {}
  for (const name of Object.keys(payload)) Allow()(Payload.prototype, name);
  Contract({ type, version, sensitive, ...(transient ? { durable: false } : {}) })(Payload);
  return Payload as unknown as PayloadClass<Record<string, unknown>>;
}
