/**
 * Every view: the pattern of its address, what it is made by, and its place in the navigation, if it has one. A view is a function
 * component that is given the values of its pattern, as texts.
 */
import type { ComponentType } from 'preact';
import type { IconName } from './ui/icon.js';
import { AgentView } from './views/agents/agent.js';
import { AgentsView } from './views/agents/agents.js';
import { AuditView } from './views/audit.js';
import { ConsumersView } from './views/consumers/consumers.js';
import { DeadLetterGroupsView } from './views/dead-letters/groups-view.js';
import { DeadLettersView } from './views/dead-letters/list-view.js';
import { DecisionsView } from './views/decisions/decisions.js';
import { ProposalView } from './views/decisions/proposal.js';
import { FlowView } from './views/flow/flow.js';
import { MessageView } from './views/messages/message-view.js';
import { MessagesView } from './views/messages/messages-view.js';
import { OverviewView } from './views/overview/overview.js';
import { PipelineView } from './views/pipelines/pipeline-view.js';
import { PipelinesView } from './views/pipelines/pipelines-view.js';
import { ReplaysView } from './views/replay/replay-view.js';
import { SettingsView } from './views/settings.js';
import { SubscriptionsView } from './views/subscriptions/subscriptions-view.js';
import { TaskView } from './views/tasks/task-view.js';
import { TasksView } from './views/tasks/tasks-view.js';
import { TraceView } from './views/traces/trace-view.js';

export type Values = Readonly<Record<string, string>>;

export interface Route {
  readonly pattern: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- each view names the values of its own pattern
  readonly view: ComponentType<any>;
}

export const routes: readonly Route[] = [
  { pattern: '/', view: OverviewView },
  { pattern: '/flow', view: FlowView },
  { pattern: '/agents', view: AgentsView },
  { pattern: '/agents/:id', view: AgentView },
  { pattern: '/consumers', view: ConsumersView },
  { pattern: '/decisions', view: DecisionsView },
  { pattern: '/decisions/:id', view: ProposalView },
  { pattern: '/audit', view: AuditView },
  { pattern: '/messages', view: MessagesView },
  { pattern: '/messages/:id', view: MessageView },
  { pattern: '/traces/:id', view: TraceView },
  { pattern: '/dead-letters', view: DeadLetterGroupsView },
  { pattern: '/dead-letters/list', view: DeadLettersView },
  { pattern: '/replay', view: ReplaysView },
  { pattern: '/subscriptions', view: SubscriptionsView },
  { pattern: '/tasks', view: TasksView },
  { pattern: '/tasks/:id', view: TaskView },
  { pattern: '/pipelines', view: PipelinesView },
  { pattern: '/pipelines/:id', view: PipelineView },
  { pattern: '/settings', view: SettingsView },
];

export interface Entry {
  readonly path: string;
  readonly label: string;
  readonly icon: IconName;
}

export const navigation: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  {
    title: 'System',
    entries: [
      { path: '/', label: 'Overview', icon: 'overview' },
      { path: '/flow', label: 'Flow', icon: 'flow' },
      { path: '/agents', label: 'Agents', icon: 'agents' },
      { path: '/consumers', label: 'Consumers', icon: 'consumers' },
    ],
  },
  {
    title: 'Messages',
    entries: [
      { path: '/messages', label: 'Messages', icon: 'messages' },
      { path: '/dead-letters', label: 'Dead letters', icon: 'dead' },
      { path: '/replay', label: 'Replay', icon: 'replay' },
      { path: '/subscriptions', label: 'Subscriptions', icon: 'subscriptions' },
    ],
  },
  {
    title: 'Work',
    entries: [
      { path: '/tasks', label: 'Tasks', icon: 'tasks' },
      { path: '/pipelines', label: 'Pipelines', icon: 'pipelines' },
      { path: '/decisions', label: 'Decisions', icon: 'decisions' },
      { path: '/audit', label: 'Audit', icon: 'audit' },
    ],
  },
];
