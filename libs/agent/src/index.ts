export { Ctx } from '@nestjs/microservices';
export { type RetryOptions, type RetryPolicy } from 'agentmq/protocol';
export type { Transaction } from 'agentmq/database';
export { AgentClient, type To, type TypedRequestOptions } from './agent-client.js';
export { AgentLogger, type AgentLoggerOptions } from './log/agent-logger.js';
export { AgentModule } from './agent.module.js';
export { AGENT_OPTIONS, type AgentModuleOptions, type AgentModuleOptionsFactory } from './agent-options.js';
export { AgentServer } from './agent-server.js';
export { AgentPauses, type PausedWork } from './pauses/agent-pauses.js';
export { AgentStops } from './stop/agent-stops.js';
export { GuardedEvents } from './registry/guarded-events.js';
export { connectAgent, type ConnectAgentOptions } from './start/connect-agent.js';
export {
  Agent,
  type AgentOptions,
  EveryRole,
  Handle,
  HandleTask,
  Subscribe,
  type SubscribeOptions,
} from './decorators.js';
export {
  AgentDeclarationError,
  AgentReplacedError,
  DuplicateHandlerError,
  HandlerOptionsConflictError,
  HeartbeatUnconfirmedError,
  NotAnAgentError,
  NoTransactionError,
} from './errors.js';
export { exitOnSecondSignal } from './stop/exit-on-second-signal.js';
export { type HandlerOptions } from './handler-options.js';
export { AgentIdentity } from './identity.js';
export type { Intake } from './intake.js';
export { MessageContext } from './message-context.js';
export type { AgentHandler } from './pipeline/agent-handlers.js';
export { MessagePipeline, type PipelineHandler } from './pipeline/message-pipeline.js';
export { NamespaceMetrics } from './namespace-metrics.js';
export type { AgentHealth, RegisteredAgent } from './registry/agent-health.js';
export { registryTimes } from './registry/times.js';
export type { AgentQuery } from './registry/agent-query.js';
export { AgentRegistry } from './registry/agent-registry.js';
export { globMatcher } from './registry/glob.js';
export { judgedAgents } from './registry/judged-agents.js';
export type { RegistryEvent } from './registry/registry-view.js';
export { checkPattern, readRoutingTarget, type RoutingRule, type RoutingTarget } from './settings/routing-rules.js';
export type { ScaledRole } from './settings/scaled-roles.js';
export { SelfStop } from './stop/self-stop.js';
export { type EffectiveSetting, effectiveSettings } from './settings/effective-settings.js';
export { describeSettings } from './settings/describe-settings.js';
export { largestBody } from './settings/largest-body.js';
export { loadSettings } from './settings/load-settings.js';
export type { AgentSettingsOptions } from './settings/settings-options.js';
export { AgentSettings } from './settings/settings.js';
export { SettingsError } from 'agentmq/settings';
export { startAgent, type StartAgentOptions, startEmbeddedAgent } from './start/start-agent.js';
export { Startup } from './start/startup.js';
export { Team } from './start/team.js';
export { ProcessSpans } from './tracing/process-spans.js';
export { type StartedTrace, Tracer } from './tracing/tracer.js';
export type { Hop, HopAttempt, HopError, HopOutcome, Trace } from 'agentmq/messaging';
export {
  AgentProbe,
  AgentRecovered,
  AgentUnhealthy,
  AgentVitals,
  probeTopic,
  vitalsTopic,
} from './messages/agent-conditions.js';
export { PAUSES_TOPIC, PAUSES_TTL_MS, PausesChanged } from './messages/pauses-changed.js';
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
