/** What the namespace does now, what needs a look, and the last hour. */
import { connection, overview } from '../../api/live.js';
import type { Overview } from '../../api/types.js';
import { Stat } from '../../ui/basics.js';
import { compact, duration, rate } from '../../ui/format.js';
import { href } from '../../state/router.js';
import { Pending } from '../../ui/states.js';
import { View } from '../../ui/view.js';
import { Attention } from './attention.js';
import { History } from './history.js';
import { Leaders } from './leaders.js';
import { TaskCounts } from './task-counts.js';

export function OverviewView() {
  const now = overview.value;
  return (
    <View
      title="Overview"
      lead={now && `Namespace ${now.namespace}; rates are of durable messages in the last ${now.windowSeconds} s.`}
    >
      {now ? <Now of={now} /> : <Pending of={{ error: lost(), loading: true, reload: () => undefined }} />}
    </View>
  );
}

const lost = (): Error | undefined =>
  connection.value === 'lost' ? new Error('The server sends no live updates. This page goes on trying.') : undefined;

function Now({ of }: { readonly of: Overview }) {
  const { rates, latency, backlog, deadLetters, agents, outbox } = of;
  return (
    <>
      {connection.value !== 'lost' && <Attention of={of} />}
      <div class="stats">
        <Stat
          label="Stored"
          value={rate(rates.stored)}
          unit="/s"
          note={`${rate(rates.completed)}/s completed`}
          to={href('/messages')}
        />
        <Stat label="Failed attempts" value={rate(rates.failed)} unit="/s" />
        <Stat
          label="Latency, median"
          value={latency ? duration(latency.p50) : '–'}
          note={latency ? `95th percentile ${duration(latency.p95)}` : 'nothing completed'}
        />
        <Stat label="Backlog" value={compact(backlog)} note={outboxNote(outbox)} to={href('/consumers')} />
        <Stat
          label="Dead letters"
          value={compact(deadLetters)}
          to={href('/dead-letters')}
          {...(deadLetters > 0 ? { kind: 'bad' } : { note: 'none' })}
        />
        <Stat
          label="Agents"
          value={compact(agents.healthy)}
          unit="healthy"
          note={agents.unhealthy > 0 ? `${agents.unhealthy} not healthy` : 'all of them'}
          to={href('/agents')}
        />
      </div>
      <History points={of.history} />
      <div class="uneven">
        <Leaders of={of.leaders} />
        <TaskCounts of={of.tasks} />
      </div>
    </>
  );
}

const outboxNote = ({ entries, oldestAgeSeconds }: Overview['outbox']): string =>
  entries === 0 ? 'outbox empty' : `${compact(entries)} in the outbox, ${duration(oldestAgeSeconds * 1_000)}`;
