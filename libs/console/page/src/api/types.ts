/** What the endpoints answer, as JSON has it. */
import type * as coordination from 'agentmq/coordination';
import type * as messaging from 'agentmq/messaging';
import type * as operations from 'agentmq/operations';
import type { Json } from 'agentmq/operations';

export type Page<Item> = { readonly items: readonly Item[]; readonly next?: string };
export type Overview = Json<operations.Overview>;
export type OverviewPoint = Json<operations.OverviewPoint>;
export type Flow = Json<operations.Flow>;
export type FlowNode = Json<operations.FlowNode>;
export type FlowEdge = Json<operations.FlowEdge>;
export type AgentRow = Json<operations.AgentRow>;
export type ConsumerRow = Json<operations.ConsumerRow>;
export type LeaderRow = Json<operations.LeaderRow>;
export type Pause = Json<operations.Pause>;
export type AuditRow = Json<operations.AuditRow>;
export type DeadLetterGroup = Json<operations.DeadLetterGroup>;
export type MessageRow = Json<operations.MessageRow>;
export type Explanation = Json<operations.Explanation>;
export type ProposalSummary = Json<coordination.ProposalSummary>;
export type Proposal = Json<coordination.Proposal>;

/** `GET /me`. */
export interface Me {
  readonly name: string;
  readonly roles: readonly Role[];
  /** No tokens are set: everybody who reaches this address may do everything. */
  readonly anonymous: boolean;
}
export type Role = 'viewer' | 'submitter' | 'operator';
export type MessageView = Json<operations.MessageView>;
export type DeadLetterRow = Json<operations.DeadLetterRow>;
export type ReplayView = Json<operations.ReplayView>;
export type SubscriptionRow = Json<operations.SubscriptionRow>;
export type Trace = Json<messaging.Trace>;
export type TaskRow = Json<operations.TaskListed>;
export type TaskView = Json<operations.TaskView>;
export type TaskType = Json<coordination.TaskType>;
export type PipelineRow = Json<coordination.PipelineRun>;

/** A task with its parts, and theirs, oldest first. */
export interface TaskNode extends TaskRow {
  readonly parts: readonly TaskNode[];
}

/** `GET /tasks/:id/tree`. */
export interface TaskTree extends TaskNode {
  /** There are no more parts than these. */
  readonly isWhole: boolean;
}
