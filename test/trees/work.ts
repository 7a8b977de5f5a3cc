import type { FailurePolicy } from 'agentmq/coordination';

/** A node of a tree of work. */
export interface WorkNode {
  readonly value: number;
  /** How many attempts at it fail before one does not; -1: it is refused for good. */
  readonly failures: number;
  readonly parts: readonly WorkNode[];
  readonly onFailure?: FailurePolicy;
  readonly concurrency: number;
}

/** `path` is the way from the top, e.g. `0.2.1`. */
export function nodeAt(top: WorkNode, path: string): WorkNode {
  const [, ...steps] = path.split('.');
  return steps.reduce((node, step) => node.parts[Number(step)] as WorkNode, top);
}
