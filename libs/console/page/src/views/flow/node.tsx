/** A role, a sender without a role, a topic, or the broadcast, in the picture of the flow. */
import type { FlowNode } from '../../api/types.js';
import { brief } from '../../ui/format.js';
import type { Point, Size } from './layout.js';

export const nameOf = (id: string): string => id.replace(/^topic:/, '# ');

export interface NodeProps {
  readonly of: FlowNode;
  readonly at: Point;
  readonly size: Size;
  readonly chosen: boolean;
  readonly choose: () => void;
}

/** Of a character of a name, on average. */
const CHARACTER = 7.2;
const PADDING = 12;
/** A box that is narrower has room for one figure. */
const ROOMY = 150;

export function Node({ of, at, size, chosen, choose }: NodeProps) {
  const { id, kind, load, dead, paused } = of;
  const name = nameOf(id);
  const width = size.width - 2 * PADDING;
  const most = Math.floor(width / CHARACTER);
  const shown = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  // what is seen comes first, as a voice command says it
  const told = [shown, ...described(of), ...(shown === name ? [] : [name])].join(', ');
  return (
    <g
      class={['node', kind, trouble(of), chosen && 'chosen'].filter(Boolean).join(' ')}
      transform={`translate(${at.x - size.width / 2} ${at.y - size.height / 2})`}
      role="button"
      tabindex={0}
      aria-pressed={chosen}
      aria-label={told}
      onClick={choose}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        choose();
      }}
    >
      <rect class="box" width={size.width} height={size.height} rx="10" />
      <text class="name" x={PADDING} y={kind === 'role' ? 25 : 30}>
        {shown}
      </text>{' '}
      <text class="note" x={PADDING} y={kind === 'role' ? 43 : 48}>
        {size.width < ROOMY ? shortNote(of) : described(of)[0]}
      </text>{' '}
      {dead > 0 && (
        <text class="dead" x={size.width - PADDING} y={43}>
          {brief(dead)} dead
        </text>
      )}
      {kind === 'role' && !paused && (
        <>
          <rect class="bar" x={PADDING} y={52} width={width} height="3" rx="1.5" />
          <rect class="load" x={PADDING} y={52} width={width * Math.min(1, load)} height="3" rx="1.5" />
        </>
      )}
    </g>
  );
}

const trouble = ({ kind, agents, healthy, paused }: FlowNode): string => {
  if (paused) return 'warn';
  return kind === 'role' && (agents === 0 || healthy === 0) ? 'bad' : kind === 'role' && healthy < agents ? 'warn' : '';
};

/** What most asks for attention: the dead, which have a place of their own, what waits, or how many agents there are. */
function shortNote(of: FlowNode): string {
  const { kind, backlog, dead, paused } = of;
  if (dead > 0) return '';
  return kind === 'role' && backlog > 0 && !paused
    ? `${brief(backlog)} waiting`
    : (described({ ...of, backlog: 0 })[0] ?? '');
}

const names = { client: 'sender', topic: 'topic', broadcast: 'to all agents' } as const;

/** The first is shown, all are told to a screen reader. */
function described({ kind, agents, healthy, load, backlog, dead, paused }: FlowNode): string[] {
  if (kind !== 'role') return [names[kind]];
  const waiting = `${brief(backlog)} waiting`;
  const alive =
    agents === 0
      ? 'no agent'
      : healthy < agents
        ? `${healthy} of ${agents} healthy`
        : `${agents} ${agents === 1 ? 'agent' : 'agents'}`;
  return [
    [paused ? 'paused' : alive, ...(backlog > 0 ? [waiting] : [])].slice(0, dead > 0 ? 1 : 2).join(' · '),
    ...(dead > 0 ? [`${brief(dead)} dead`] : []),
    alive,
    waiting,
    `load ${Math.round(load * 100)} %`,
  ];
}
