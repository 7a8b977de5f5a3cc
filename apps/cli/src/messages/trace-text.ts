import type { Hop, HopAttempt, HopError, Trace } from 'agentmq/messaging';
import { visible } from 'agentmq/protocol';
import { duration, stateStyle, table, type TableColumn } from '../output/index.js';

const columns: readonly TableColumn[] = [
  { title: 'hop', align: 'left', least: 30 },
  { title: 'sent', align: 'right' },
  { title: 'stored', align: 'right', optional: 3 },
  { title: 'published', align: 'right', optional: 4 },
  { title: 'received', align: 'right', optional: 2 },
  { title: 'handled', align: 'right' },
  { title: 'took', align: 'right', optional: 1 },
  { title: 'agent', align: 'left', least: 10 },
  { title: 'outcome', align: 'left', least: 9, paint: stateStyle },
];

/** A hop, and those that it caused. */
interface Node {
  readonly hop: Hop;
  readonly caused: Node[];
}

/** The trace as a tree: what caused what, and when, counted from its start. No wider than `width` if that can be. */
export function renderTrace(trace: Trace, width: number): string[] {
  const { id, path, hops, startedAt, endedAt, complete, recorded, truncated } = trace;
  const after = (at: Date | undefined): string => (at ? moment(at.getTime() - startedAt.getTime()) : '');
  const rows = nested(hops).flatMap((root) => rowsOf(root, '', '', after));
  return [
    `trace    ${id}`,
    `path     ${visible(path.join(' → '))}`,
    `started  ${startedAt.toISOString()}`,
    `took     ${duration(endedAt.getTime() - startedAt.getTime())}${complete ? '' : ' so far'}`,
    `hops     ${hops.length}${truncated ? ', and more that are not shown' : ''}`,
    ...(recorded ? [] : ['         not recorded: what is not stored before it is sent is not in it']),
    '',
    ...table(columns, rows, width),
  ];
}

/** Each hop below its cause: where several consumers had the causing message, below the hop of the agent that sent this one. */
function nested(hops: readonly Hop[]): Node[] {
  const roots: Node[] = [];
  // Causes come first: what is placed later is no cause, or part of a ring.
  const placed = new Map<string, Node[]>();
  for (const hop of hops) {
    const { messageId, causationId = '', from } = hop;
    const node: Node = { hop, caused: [] };
    const causes = placed.get(causationId) ?? [];
    const cause = causes.find((each) => each.hop.attempts.some(({ agent }) => agent === from)) ?? causes[0];
    (cause?.caused ?? roots).push(node);
    placed.set(messageId, [...(placed.get(messageId) ?? []), node]);
  }
  return roots;
}

function rowsOf({ hop, caused }: Node, lead: string, below: string, after: (at?: Date) => string): string[][] {
  const { kind, type, to, attempts, outcome, error } = hop;
  const what = kind === 'reply' ? `reply → ${to}` : `${kind} ${type} → ${to}`;
  const only = attempts.length === 1 ? attempts[0] : undefined;
  const row = [
    lead + what,
    after(hop.sentAt),
    after(hop.storedAt),
    after(hop.publishedAt),
    after(hop.receivedAt),
    after(hop.handledAt),
    only ? took(only) : '',
    only?.agent ?? '',
    told(outcome, error),
  ];
  const bar = caused.length > 0 ? '│' : ' ';
  const tries = attempts.length < 2 ? [] : attempts.map((each) => attemptRow(each, `${below}${bar}  `, after));
  const children = caused.flatMap((child, index) => {
    const last = index === caused.length - 1;
    return rowsOf(child, `${below}${last ? '└─ ' : '├─ '}`, `${below}${last ? '   ' : '│  '}`, after);
  });
  return [row, ...tries, ...children];
}

const attemptRow = (attempt: HopAttempt, lead: string, after: (at?: Date) => string): string[] => [
  `${lead}attempt ${attempt.attempt}`,
  '',
  '',
  '',
  after(attempt.receivedAt),
  after(attempt.handledAt),
  took(attempt),
  attempt.agent,
  told(attempt.outcome, attempt.error),
];

const told = (outcome: string, error: HopError | undefined): string => (error ? `${outcome} ${error.code}` : outcome);

const took = ({ receivedAt, handledAt }: HopAttempt): string =>
  receivedAt && handledAt ? duration(handledAt.getTime() - receivedAt.getTime()) : '';

/** Exact to the ms however long the trace is: 12 ms, 3.456 s, 2:03.456, 1:02:03.456. */
function moment(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(3)} s`;
  const [minutes, rest] = [Math.floor(ms / 60_000), ((ms % 60_000) / 1_000).toFixed(3).padStart(6, '0')];
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}
