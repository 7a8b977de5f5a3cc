import {
  AgentDeregistered,
  AgentHeartbeat,
  AgentRecovered,
  AgentRegistered,
  AgentUnhealthy,
  AgentUpdated,
} from 'agentmq/agent';
import { CastVote, CloseProposal, ProposalDecided, VoteRequest } from 'agentmq/coordination';
import { ContractCatalogue, type PayloadClass } from 'agentmq/protocol';
import {
  NlpRequest,
  PartialResult,
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
