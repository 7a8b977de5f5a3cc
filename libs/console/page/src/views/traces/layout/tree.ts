import type { Hop } from 'agentmq/messaging';
import type { Json } from 'agentmq/operations';

export type HopView = Json<Hop>;

/** A hop in the tree of causes. */
export interface TreeRow {
  /** Unique in its trace. */
  readonly key: string;
  readonly hop: HopView;
  /** 0 for what nothing else caused. */
  readonly depth: number;
  /** The last hop of the same cause. */
  readonly last: boolean;
  /** For each level above, from the top: the line of that level goes on below this row. */
  readonly lines: readonly boolean[];
}

interface Node {
  readonly key: string;
  readonly hop: HopView;
  readonly caused: Node[];
}

/** Each hop below its cause, in reading order. */
export function treeOf(hops: readonly HopView[]): TreeRow[] {
  const rowsOf = ({ key, hop, caused }: Node, depth: number, lines: readonly boolean[], last: boolean): TreeRow[] => [
    { key, hop, depth, last, lines },
    ...caused.flatMap((each, index) =>
      rowsOf(each, depth + 1, depth === 0 ? [] : [...lines, !last], index === caused.length - 1),
    ),
  ];
  return nested(hops).flatMap((root) => rowsOf(root, 0, [], true));
}

/** Where several consumers had the causing message, what it caused is below the one whose agent sent it. */
function nested(hops: readonly HopView[]): Node[] {
  const roots: Node[] = [];
  // Causes come first: what is placed later is no cause, or part of a ring.
  const placed = new Map<string, Node[]>();
  for (const [index, hop] of hops.entries()) {
    const node: Node = { key: `${index}:${hop.messageId}`, hop, caused: [] };
    const causes = placed.get(hop.causationId ?? '') ?? [];
    const cause = causes.find((each) => each.hop.attempts.some(({ agent }) => agent === hop.from)) ?? causes[0];
    (cause?.caused ?? roots).push(node);
    placed.set(hop.messageId, [...(placed.get(hop.messageId) ?? []), node]);
  }
  return roots;
}
