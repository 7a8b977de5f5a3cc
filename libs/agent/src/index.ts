export { Ctx } from '@nestjs/microservices';
export { type RetryOptions, type RetryPolicy } from 'agentmq/protocol';
export type { Transaction } from 'agentmq/database';
export { AgentClient, type To, type TypedRequestOptions } from './agent-client.js';
export { AgentLogger } from './agent-logger.js';
export { AgentModule, type AgentModuleOptions } from './agent.module.js';
export { AgentServer } from './agent-server.js';
export { GuardedEvents } from './registry/guarded-events.js';
export { Agent, type AgentOptions, Handle, HandleTask, Subscribe, type SubscribeOptions } from './decorators.js';
export {
  AgentDeclarationError,
  AgentReplacedError,
  DuplicateHandlerError,
  HandlerOptionsConflictError,
  HeartbeatUnconfirmedError,
  NoTransactionError,
} from './errors.js';
export { exitOnSecondSignal } from './exit-on-second-signal.js';
export { type HandlerOptions } from './handler-options.js';
export { AgentIdentity } from './identity.js';
export { MessageContext } from './message-context.js';
export { NamespaceMetrics } from './namespace-metrics.js';
export type { AgentHealth, RegisteredAgent } from './registry/agent-health.js';
export type { AgentQuery } from './registry/agent-query.js';
export { AgentRegistry } from './registry/agent-registry.js';
export { globMatcher } from './registry/glob.js';
export type { RegistryEvent } from './registry/registry-view.js';
export { checkPattern, readRoutingTarget, type RoutingRule, type RoutingTarget } from './settings/routing-rules.js';
export type { ScaledRole } from './settings/scaled-roles.js';
export { SelfStop } from './self-stop.js';
export { type EffectiveSetting, effectiveSettings } from './settings/effective-settings.js';
export { describeSettings } from './settings/describe-settings.js';
export { loadSettings } from './settings/load-settings.js';
export { AgentSettings } from './settings/settings.js';
export { SettingsError } from 'agentmq/settings';
export { startAgent, startEmbeddedAgent } from './start-agent.js';
export { stopWithNpm } from './stop-with-npm.js';
export { type StartedTrace, Tracer } from './tracer.js';
export type { Hop, HopAttempt, HopError, HopOutcome, Trace } from 'agentmq/messaging';
export {
  AgentProbe,
  AgentRecovered,
  AgentUnhealthy,
  AgentVitals,
  probeTopic,
  vitalsTopic,
} from './messages/agent-conditions.js';
export { AgentStop } from './messages/agent-stop.js';
export {
  AgentDeregistered,
  AgentHeartbeat,
  AgentRegistered,
  AgentUpdated,
  HEARTBEAT_TOPIC,
  MAX_CAPABILITIES,
  MAX_CIRCUITS,
} from './messages/registry.js';
