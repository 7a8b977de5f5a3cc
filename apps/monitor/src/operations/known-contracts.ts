import {
  AgentDeregistered,
  AgentHeartbeat,
  AgentRecovered,
  AgentRegistered,
  AgentUnhealthy,
  ContractCatalogue,
  NlpRequest,
  PartialResult,
  type PayloadClass,
  RunRequest,
  SummaryRequest,
  TaskProgress,
  TaskRequest,
  TaskResult,
  WorkAssignment,
} from 'agentmq/contracts';

const ours: readonly PayloadClass[] = [
  AgentDeregistered,
  AgentHeartbeat,
  AgentRecovered,
  AgentRegistered,
  AgentUnhealthy,
  NlpRequest,
  PartialResult,
  RunRequest,
  SummaryRequest,
  TaskProgress,
  TaskRequest,
  TaskResult,
  WorkAssignment,
];

/** The contracts by which payloads are shown or kept back: those of this project, and the given ones. */
export const knownContracts = (more: readonly PayloadClass[] = []): ContractCatalogue =>
  new ContractCatalogue([...ours, ...more]);
