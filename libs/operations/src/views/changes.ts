import type { ConsumerName } from 'agentmq/message-store';

/** The person, script or program that asked for a change, for the audit. */
export interface Actor {
  /** As the token, or the operating system's account, names it. */
  readonly name: string;
  readonly via: 'page' | 'http' | 'cli';
}

export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly by: string;
  readonly via: Actor['via'];
  /** `dead-letters.requeue`, `dead-letters.discard`, `replay`, `move`, `consumer.pause`, `agent.drain`, `task.cancel`, … */
  readonly action: string;
  /** What was changed: an id, a consumer, a group, a filter. */
  readonly target: string;
  readonly reason?: string;
  /** How many rows were changed. */
  readonly rows: number;
}

/** Dead letters that failed alike: same consumer, contract and error, but for the ids and numbers in its text. */
export interface DeadLetterGroup {
  /** Short and stable: usable as `group` in a filter. */
  readonly id: string;
  readonly consumer: ConsumerName;
  readonly type: string;
  readonly version: number;
  readonly error: { readonly name: string; readonly code: string; readonly message: string };
  readonly count: number;
  /** There are more than `count`: of a large group the newest are counted, and `firstAt` is of these. */
  readonly more?: true;
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** The id of the latest. */
  readonly example: string;
}
