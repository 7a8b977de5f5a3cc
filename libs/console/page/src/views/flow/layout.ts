/**
 * Where nodes and lines of the flow are: layered by dagre, from left to right, or from top to bottom where it is narrow. Nodes without
 * a line to another are in rows below; a line from a node to itself is a loop above it. Pure.
 */
import { Graph, layout } from '@dagrejs/dagre';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly from: string;
  readonly to: string;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly node: Size;
  /** The middle of each node, by id. */
  readonly nodes: ReadonlyMap<string, Point>;
  readonly lines: readonly {
    readonly from: string;
    readonly to: string;
    readonly path: string;
    readonly label: Point;
  }[];
}

export interface Shape {
  readonly ids: readonly string[];
  readonly lines: readonly Line[];
  readonly narrow: boolean;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const NODE = { width: 156, height: 66 } as const;
const NARROW_NODE = { width: 132, height: 66 } as const;
const LABEL = { width: 50, height: 22 } as const;
const MARGIN = 8;

const GAP = 14;
/** Of the rows of nodes without lines, where nothing else is wider. */
const ROW_WIDTH = 860;
const NARROW_ROW_WIDTH = 330;

export function arrange({ ids, lines, narrow }: Shape): Picture {
  const node = narrow ? NARROW_NODE : NODE;
  const between = lines.filter(({ from, to }) => from !== to);
  const joined = new Set(between.flatMap(({ from, to }) => [from, to]));
  const layered = layers(
    ids.filter((id) => joined.has(id)),
    between,
    { narrow, node, loops: between.length < lines.length },
  );
  const alone = ids.filter((id) => !joined.has(id));
  const width = Math.max(layered.width, narrow ? NARROW_ROW_WIDTH : ROW_WIDTH);
  const shift = (width - layered.width) / 2;
  const nodes = new Map([...layered.nodes].map(([id, { x, y }]) => [id, { x: x + shift, y }]));
  const inRow = Math.max(1, Math.floor((width - 2 * MARGIN + GAP) / (node.width + GAP)));
  const top = joined.size > 0 ? layered.height + GAP : MARGIN;
  for (const [n, id] of alone.entries()) {
    const [row, column] = [Math.floor(n / inRow), n % inRow];
    nodes.set(id, {
      x: MARGIN + node.width / 2 + column * (node.width + GAP),
      y: top + LOOP + node.height / 2 + row * (node.height + GAP + LOOP),
    });
  }
  const rows = Math.ceil(alone.length / inRow);
  return {
    width,
    height: rows === 0 ? layered.height : top + rows * (node.height + GAP + LOOP) + MARGIN,
    node,
    nodes,
    lines: lines.map(({ from, to }) => {
      const at = nodes.get(from) ?? { x: 0, y: 0 };
      if (from === to) return { from, to, ...loop(at, node) };
      const points = (layered.points.get(`${from} ${to}`) ?? []).map(({ x, y }) => ({ x: x + shift, y }));
      return { from, to, path: smooth(points), label: points[Math.floor(points.length / 2)] ?? at };
    }),
  };
}

interface Layers {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, Point>;
  readonly points: ReadonlyMap<string, readonly Point[]>;
}

function layers(
  ids: readonly string[],
  lines: readonly Line[],
  { narrow, node, loops }: { readonly narrow: boolean; readonly node: Size; readonly loops: boolean },
): Layers {
  if (ids.length === 0) return { width: 0, height: 0, nodes: new Map(), points: new Map() };
  const graph = new Graph();
  graph.setGraph({
    rankdir: narrow ? 'TB' : 'LR',
    nodesep: narrow ? GAP : loops ? LOOP + 20 : 30,
    ranksep: 40,
    edgesep: 26,
    marginx: MARGIN,
    marginy: MARGIN + (loops ? LOOP : 0),
  });
  for (const id of ids) graph.setNode(id, { ...node });
  for (const { from, to } of lines) graph.setEdge(from, to, { ...LABEL, labelpos: 'c' });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    nodes: new Map(ids.map((id) => [id, graph.node(id) as Point])),
    points: new Map(
      lines.map(({ from, to }) => [`${from} ${to}`, (graph.edge(from, to) as { points: Point[] }).points]),
    ),
  };
}

/** Height of the loop of a node that sends to itself. */
const LOOP = 24;

function loop({ x, y }: Point, { width, height }: Size): { readonly path: string; readonly label: Point } {
  const top = y - height / 2;
  const [left, right] = [x + width / 2 - 62, x + width / 2 - 14];
  return {
    path: `M${left} ${top}C${left} ${top - LOOP} ${right} ${top - LOOP} ${right} ${top}`,
    label: { x: (left + right) / 2, y: top - LOOP * 0.72 },
  };
}

/** A curve through all of dagre's points, one of which is the middle of the label (Catmull-Rom, as Béziers). */
function smooth(points: readonly Point[]): string {
  const text = (x: number, y: number): string => `${x.toFixed(1)} ${y.toFixed(1)}`;
  return points
    .map((to, n) => {
      const from = points[n - 1];
      if (!from) return `M${text(to.x, to.y)}`;
      const before = points[n - 2] ?? from;
      const after = points[n + 1] ?? to;
      const leave = text(from.x + (to.x - before.x) / 6, from.y + (to.y - before.y) / 6);
      const arrive = text(to.x - (after.x - from.x) / 6, to.y - (after.y - from.y) / 6);
      return `C${leave} ${arrive} ${text(to.x, to.y)}`;
    })
    .join('');
}
