/** The picture: nodes are buttons, which leave only their own lines in the table; it is laid out anew only when its parts change. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Flow, FlowEdge } from '../../api/types.js';
import { rate } from '../../ui/format.js';
import { arrange } from './layout.js';
import { Node } from './node.js';

export interface FlowPictureProps {
  readonly of: Flow;
  readonly chosen: string | undefined;
  readonly choose: (id: string) => void;
}

const NARROW = 640;
/** Scaled down further its words would not be legible: it is scrolled then. */
const SMALLEST = 0.8;

export function FlowPicture({ of: { nodes, edges }, chosen, choose }: FlowPictureProps) {
  const element = useRef<HTMLDivElement>(null);
  const [narrow, setNarrow] = useState(innerWidth < NARROW);
  const [beyond, setBeyond] = useState('');
  useEffect(() => {
    const place = element.current;
    if (!place) return undefined;
    const look = (): void => {
      setNarrow(place.clientWidth < NARROW);
      setBeyond(beyondOf(place));
    };
    const observer = new ResizeObserver(look);
    observer.observe(place);
    if (place.firstElementChild) observer.observe(place.firstElementChild);
    place.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      place.removeEventListener('scroll', look);
    };
  }, []);
  // a message to a topic that nothing listens to has a line to no node
  const known = new Set(nodes.map(({ id }) => id));
  const lines = edges.filter(({ from, to }) => known.has(from) && known.has(to));
  const shape = JSON.stringify([nodes.map(({ id }) => id), lines.map(({ from, to }) => [from, to]), narrow]);
  const picture = useMemo(() => arrange({ ids: nodes.map(({ id }) => id), lines, narrow }), [shape]);
  const isFaint = ({ from, to }: { from: string; to: string }): boolean =>
    chosen !== undefined && from !== chosen && to !== chosen;
  return (
    <div class={`flow ${beyond}`} ref={element}>
      <svg
        viewBox={`0 0 ${picture.width} ${picture.height}`}
        width={picture.width}
        height={picture.height}
        style={{ minWidth: `${picture.width * SMALLEST}px` }}
        role="group"
        aria-label="Flow of messages between roles"
      >
        <defs>
          <marker
            id="tip"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M1 1 7 4 1 7" />
          </marker>
        </defs>
        {picture.lines.map((line, n) => {
          const edge = lines[n];
          return edge && <Edge key={`${line.from} ${line.to}`} {...line} edge={edge} faint={isFaint(line)} />;
        })}
        {nodes.map((node) => {
          const at = picture.nodes.get(node.id);
          return (
            at && (
              <Node
                key={node.id}
                of={node}
                at={at}
                size={picture.node}
                chosen={chosen === node.id}
                choose={() => choose(node.id)}
              />
            )
          );
        })}
      </svg>
    </div>
  );
}

/** On which sides there is more to scroll to: it fades out there. */
function beyondOf({ scrollLeft, scrollWidth, clientWidth }: Element): string {
  const left = scrollLeft > 4 && 'more-left';
  const right = scrollLeft + clientWidth < scrollWidth - 4 && 'more-right';
  return [left, right].filter(Boolean).join(' ');
}

interface EdgeProps {
  readonly edge: FlowEdge;
  readonly path: string;
  readonly label: { readonly x: number; readonly y: number };
  readonly faint: boolean;
}

const LABEL_HEIGHT = 18;
const CHARACTER = 6.4;

function Edge({ edge: { perSecond, failedPerSecond }, path, label, faint }: EdgeProps) {
  const text = `${rate(perSecond)}/s`;
  const width = text.length * CHARACTER + 12;
  const names = ['edge', failedPerSecond > 0 && 'failing', faint && 'faint', perSecond > 0 && 'moving'].filter(Boolean);
  return (
    <g class={names.join(' ')} aria-hidden="true">
      <path class="track" d={path} style={{ strokeWidth: thickness(perSecond) }} marker-end="url(#tip)" />
      <path
        class="stream"
        d={path}
        style={{ strokeWidth: thickness(perSecond), animationDuration: `${pace(perSecond)}s` }}
      />
      <rect
        x={label.x - width / 2}
        y={label.y - LABEL_HEIGHT / 2}
        width={width}
        height={LABEL_HEIGHT}
        rx={LABEL_HEIGHT / 2}
      />
      <text x={label.x} y={label.y + 4}>
        {text}
      </text>
    </g>
  );
}

/** 1 to 4.5 px: ten times as many messages are a px more. */
const thickness = (perSecond: number): number => Math.min(4.5, 1.25 + Math.log10(1 + perSecond));

/** Seconds for a dash to go its own length, in steps, so that a rate that changes a little does not make it jump. */
const pace = (perSecond: number): number => (perSecond > 30 ? 0.6 : perSecond > 3 ? 1.1 : 2);
