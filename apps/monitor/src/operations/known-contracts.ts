import {
  AgentDeregistered,
  AgentHeartbeat,
  AgentRecovered,
  AgentRegistered,
  AgentUnhealthy,
  AgentUpdated,
  CastVote,
  CloseProposal,
  ContractCatalogue,
  NlpRequest,
  PartialResult,
  type PayloadClass,
  ProposalDecided,
  RunRequest,
  SummaryRequest,
  TaskProgress,
  TaskRequest,
  TaskResult,
  VoteRequest,
  WorkAssignment,
} from 'agentmq/contracts';

const ours: readonly PayloadClass[] = [
  AgentDeregistered,
  AgentHeartbeat,
  AgentRecovered,
  AgentRegistered,
  AgentUnhealthy,
  AgentUpdated,
  CastVote,
  CloseProposal,
  NlpRequest,
  PartialResult,
  ProposalDecided,
  RunRequest,
  SummaryRequest,
  TaskProgress,
  TaskRequest,
  TaskResult,
  VoteRequest,
  WorkAssignment,
];

/** The contracts by which edited payloads are checked and sensitive ones kept back: those of this project, and the given ones. */
export const knownContracts = (more: readonly PayloadClass[] = []): ContractCatalogue =>
  new ContractCatalogue([...ours, ...more]);
