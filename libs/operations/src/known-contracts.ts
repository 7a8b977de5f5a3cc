import {
  AgentDeregistered,
  AgentHeartbeat,
  AgentRecovered,
  AgentRegistered,
  AgentUnhealthy,
  AgentUpdated,
} from 'agentmq/agent';
import type { PayloadClass } from 'agentmq/protocol';
import { CastVote, CloseProposal, ProposalDecided, VoteRequest } from 'agentmq/coordination';
import { ContractCatalogue } from 'agentmq/protocol';

const ours: readonly PayloadClass[] = [
  AgentDeregistered,
  AgentHeartbeat,
  AgentRecovered,
  AgentRegistered,
  AgentUnhealthy,
  AgentUpdated,
  CastVote,
  CloseProposal,
  ProposalDecided,
  VoteRequest,
];

/** The contracts by which edited payloads are checked and sensitive ones kept back: those of AgentMQ's libraries, and the given ones. */
export const knownContracts = (more: readonly PayloadClass[] = []): ContractCatalogue =>
  new ContractCatalogue([...ours, ...more]);
