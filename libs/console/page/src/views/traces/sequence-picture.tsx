/** A trace as a sequence diagram: agents as lifelines, messages as arrows, and bars where an agent is at work. */
import { duration } from '../../ui/format.js';
import type { Trace } from '../../api/types.js';
import { hopHref } from './hop.js';
import { type Activation, type Arrow, type Sequence, sequenceOf } from './layout/sequence.js';

/** A lifeline's share of the width of a card; they are never narrower, or wider, than this. */
const [NARROWEST, WIDEST, SHARED] = [132, 200, 864];
const GUTTER = 72;
const HEAD = 44;
const BAR = 10;
const LOOP = 44;
/** Characters of a label that fit between two lifelines. */
const FITS = 18;

export function SequencePicture({ trace }: { readonly trace: Trace }) {
  const sequence = sequenceOf(trace);
  const { lanes, height, omitted } = sequence;
  const space = spaceOf(lanes.length);
  const x = placesOf(space);
  const width = GUTTER + lanes.length * space;
  return (
    <>
      <div class="sequence" tabIndex={0} role="region" aria-label="Sequence diagram">
        <svg
          viewBox={`0 0 ${width} ${height + HEAD}`}
          width={width}
          height={height + HEAD}
          role="group"
          aria-label="Messages between agents"
        >
          <Defs />
          {lanes.map(({ name, isAgent }, lane) => (
            <g key={name} class={isAgent ? 'lane' : 'lane unknown'}>
              <line x1={x(lane)} x2={x(lane)} y1={HEAD - 8} y2={height + HEAD} />
              <rect x={x(lane) - space / 2 + 8} y={4} width={space - 16} height={28} rx={6} />
              <text x={x(lane)} y={22}>
                {cut(name, FITS)}
                <title>{name}</title>
              </text>
            </g>
          ))}
          {sequence.activations.map((each) => (
            <Work key={each.key} of={each} x={x} />
          ))}
          {sequence.arrows.map((arrow) => (
            <Message key={arrow.key} arrow={arrow} sequence={sequence} x={x} />
          ))}
        </svg>
      </div>
      {omitted > 0 && <p class="hint">{omitted} more messages are not drawn: the waterfall has them all.</p>}
    </>
  );
}

type Places = (lane: number) => number;
const placesOf =
  (space: number): Places =>
  (lane) =>
    GUTTER + lane * space + space / 2;
const spaceOf = (lanes: number): number =>
  Math.max(NARROWEST, Math.min(WIDEST, Math.floor(SHARED / Math.max(1, lanes))));
const y = (place: number): number => place + HEAD;
const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

const Defs = () => (
  <defs>
    {['message', 'retry', 'reply', 'waiting', 'failed'].map((kind) => (
      <marker
        key={kind}
        id={`arrow-${kind}`}
        class={`head ${kind}`}
        viewBox="0 0 8 8"
        refX={7}
        refY={4}
        markerWidth={8}
        markerHeight={8}
        orient="auto-start-reverse"
      >
        <path d="M0.5 0.8 7 4 0.5 7.2" />
      </marker>
    ))}
  </defs>
);

const Work = ({ of: { lane, from, to, level, outcome }, x }: { readonly of: Activation; readonly x: Places }) => (
  <g class={`activation ${outcome}`}>
    <rect x={x(lane) - BAR / 2 + level * 6} y={y(from)} width={BAR} height={Math.max(4, to - from)} rx={3} />
    {outcome === 'failed' && <path d={cross(x(lane) + level * 6, y(to))} />}
  </g>
);

const cross = (at: number, down: number): string => `M${at - 4} ${down - 4}l8 8M${at + 4} ${down - 4}l-8 8`;

function Message({ arrow, sequence, x }: { readonly arrow: Arrow; readonly sequence: Sequence; readonly x: Places }) {
  const { from, to, kind, hop, attempt, at } = arrow;
  const names = [sequence.lanes[from]?.name ?? '', sequence.lanes[to]?.name ?? ''];
  const type = hop.kind === 'reply' ? 'reply' : hop.type;
  const text = attempt > 1 ? `${type} · attempt ${attempt}` : type;
  const isFailed = hop.outcome === 'failed' && kind === 'waiting';
  const look = isFailed ? 'failed' : kind;
  const down = y(arrow.y);
  const isSelf = from === to;
  const sign = to > from ? 1 : -1;
  const drawn = isSelf
    ? `M${x(from) + BAR / 2} ${down - 14}h${LOOP}v14h-${LOOP - 2}`
    : `M${x(from) + sign * (BAR / 2)} ${down}L${x(to) - sign * (BAR / 2 + 1)} ${down}`;
  const left = isSelf ? x(from) + BAR : Math.min(x(from), x(to)) + BAR;
  const target = hopHref(hop);
  const inner = (
    <>
      <title>{`${names.join(' → ')}: ${hop.kind} ${hop.type}, ${duration(at)} after the start, ${hop.outcome}`}</title>
      <path class="hit" d={drawn} />
      <path class="line" d={drawn} marker-end={`url(#arrow-${look})`} />
      <text x={left + 4} y={isSelf ? down - 20 : down - 7}>
        {cut(text, isSelf ? FITS : Math.max(FITS, Math.abs(to - from) * FITS + (Math.abs(to - from) - 1) * 4))}
      </text>
    </>
  );
  return (
    <g class={`arrow ${look}`}>
      <text class="at" x={GUTTER - 8} y={down + 4}>
        {duration(at)}
      </text>
      {target ? <a href={target}>{inner}</a> : <g>{inner}</g>}
    </g>
  );
}
