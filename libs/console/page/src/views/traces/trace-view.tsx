/** One flow of messages: as waterfall, sequence diagram or tree. */
import { get, path } from '../../api/client.js';
import type { Trace } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card, Id, Stat } from '../../ui/basics.js';
import { duration } from '../../ui/format.js';
import { Pending } from '../../ui/states.js';
import { Tabs, useTab } from '../../ui/tabs.js';
import { Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { TimelineChart, TimelineLegend } from '../timeline/timeline-chart.js';
import { HopDetails, HopName, HopOutcomeStatus } from './hop.js';
import { waterfallOf } from './layout/waterfall.js';
import { SequencePicture } from './sequence-picture.js';
import { TreePicture } from './tree-picture.js';

const tabs = [
  ['waterfall', 'Waterfall'],
  ['sequence', 'Sequence'],
  ['tree', 'Tree'],
] as const;

export function TraceView({ id = '' }: { readonly id?: string }) {
  const asked = useQuery<Trace>((signal) => get(path`/traces/${id}`, {}, signal), [id], ['messages', 'tasks']);
  const tab = useTab(tabs);
  const { data: trace } = asked;
  return (
    <View
      title="Trace"
      lead={<Id value={trace?.id ?? id} whole />}
      back={['Messages', href('/messages', { trace: trace?.id ?? id })]}
    >
      {trace ? (
        <>
          <Summary trace={trace} />
          <Card title={<Path trace={trace} />} action={<Tabs of={tabs} label="Picture" current={tab} />}>
            <div id="picture" role="tabpanel" aria-label={tab}>
              <Picture trace={trace} tab={tab} />
            </div>
          </Card>
        </>
      ) : (
        <Pending of={asked} />
      )}
    </View>
  );
}

function Summary({
  trace: { startedAt, endedAt, hops, path: agents, complete, recorded, truncated },
}: {
  readonly trace: Trace;
}) {
  const failed = hops.filter(({ outcome }) => outcome === 'failed' || outcome === 'expired').length;
  const again = hops.filter(({ attempts }) => attempts.length > 1).length;
  return (
    <>
      <div class="stats">
        <Stat
          label={complete ? 'Took' : 'So far'}
          value={duration(Date.parse(endedAt) - Date.parse(startedAt))}
          note={<Time at={startedAt} />}
        />
        <Stat label="Messages" value={hops.length} note={truncated ? 'more are not shown' : undefined} />
        <Stat label="Agents" value={agents.length} />
        <Stat
          label="Failed"
          value={failed}
          {...(failed > 0 ? { kind: 'bad' as const } : {})}
          note={again > 0 ? `${again} tried more than once` : undefined}
        />
      </div>
      {!recorded && (
        <p class="notice">This trace was not recorded in full: it has what the store knows of durable messages.</p>
      )}
    </>
  );
}

/** Agents in the order in which they came into it. */
const Path = ({ trace }: { readonly trace: Trace }) => (
  <span class="path">
    {trace.path.slice(0, 8).map((agent) => (
      <span key={agent}>{agent}</span>
    ))}
    {trace.path.length > 8 && <span>{trace.path.length - 8} more</span>}
  </span>
);

function Picture({ trace, tab }: { readonly trace: Trace; readonly tab: string }) {
  if (tab === 'sequence') return <SequencePicture trace={trace} />;
  if (tab === 'tree') return <TreePicture hops={trace.hops} start={trace.startedAt} />;
  return (
    <>
      <TimelineLegend />
      <TimelineChart
        label="Messages over time"
        timeline={waterfallOf(trace)}
        name={({ hop }) => <HopName hop={hop} />}
        note={({ hop }) => <HopOutcomeStatus hop={hop} />}
        details={({ hop }) => <HopDetails hop={hop} start={trace.startedAt} />}
      />
    </>
  );
}
