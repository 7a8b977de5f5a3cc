import { AgentMQError } from 'agentmq/protocol';

/**
 * Rules say where work goes, but none matches this; where work was to be given out, no agent declares it either. Retryable:
 * rules change, and agents that declare it come back.
 */
export class NoRouteError extends AgentMQError {
  readonly code = 'NO_ROUTE';
  override readonly retryable = true;

  /** `capability`: what there is no way for. */
  constructor(readonly capability: string) {
    super(`no agent is there that declares ${capability}, and no routing rule matches it`);
  }
}

/** A routing rule is unusable; `field` says where: `pattern`, `target`, `fallbacks.0` or `priority`. */
export class InvalidRuleError extends AgentMQError {
  readonly code = 'INVALID_RULE';

  constructor(
    readonly field: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${field}: ${problem}`, options);
  }
}
