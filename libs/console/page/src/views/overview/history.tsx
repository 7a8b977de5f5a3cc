/** The last hour, as the server has seen it since it started. */
import type { OverviewPoint } from '../../api/types.js';
import { Card } from '../../ui/basics.js';
import { Chart } from '../../ui/chart.js';
import { compact, duration, rate } from '../../ui/format.js';

/** Below that a line would tell nothing. */
const FEWEST = 2;

export function History({ points }: { readonly points: readonly OverviewPoint[] }) {
  if (points.length < FEWEST) {
    return (
      <Card title="Last hour">
        <p class="muted">The record begins with the start of this server: lines appear after a few seconds.</p>
      </Card>
    );
  }
  const times = points.map(({ at }) => at);
  return (
    <div class="charts">
      <Card title="Throughput">
        <Chart
          label="Throughput"
          times={times}
          unit={(value) => `${rate(value)}/s`}
          series={[
            { label: 'Stored', colour: 'accent', filled: true, values: points.map(({ stored }) => stored) },
            { label: 'Completed', colour: 'good', values: points.map(({ completed }) => completed) },
            { label: 'Failed', colour: 'bad', values: points.map(({ failed }) => failed) },
          ]}
        />
      </Card>
      <Card title="Latency">
        <Chart
          label="Latency from stored to completed"
          times={times}
          unit={duration}
          series={[
            { label: 'Median', colour: 'accent', filled: true, values: points.map(({ p50 }) => p50) },
            { label: '95th percentile', colour: 'warn', values: points.map(({ p95 }) => p95) },
          ]}
        />
      </Card>
      <Card title="Waiting and dead">
        <Chart
          label="Messages that wait, and dead letters"
          times={times}
          unit={compact}
          series={[
            { label: 'Backlog', colour: 'accent', filled: true, values: points.map(({ backlog }) => backlog) },
            { label: 'Dead letters', colour: 'bad', values: points.map(({ deadLetters }) => deadLetters) },
          ]}
        />
      </Card>
    </div>
  );
}
