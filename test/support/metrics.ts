import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { commandPath } from './binaries.js';

/** A metric: `counter type,outcome`. */
export type Described = Map<string, string>;

/** Our own metrics, as an app tells them. Throws what promtool says against the text, where there is a promtool. */
export function metricsIn(text: string): Described {
  const promtool = commandPath('promtool');
  if (promtool) {
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
    if (status !== 0) throw new Error(`promtool: ${stdout}${stderr}`);
  }
  const types = new Map(
    [...text.matchAll(/^# TYPE (agentmq_\w+) (\w+)$/gm)].map(([, name = '', type]) => [name, type]),
  );
  const described: Described = new Map();
  for (const [name, type] of types) {
    const series = new RegExp(`^${name}(?:_bucket|_sum|_count)?(?:\\{(.*)\\})? \\S+$`, 'm').exec(text);
    // without a value the labels are not known
    if (series) described.set(name, [type, labelsIn(series[1] ?? '')].join(' '));
    else described.set(name, `${type} ?`);
  }
  return described;
}

const labelsIn = (text: string): string =>
  [...text.matchAll(/(\w+)="/g)]
    .map(([, label = '']) => label)
    .filter((label) => label !== 'le')
    .sort((a, b) => (a < b ? -1 : 1))
    .join();

/** The metrics that docs/METRICS.md tells of. */
export function metricsOnThePage(): Described {
  const rows = readFileSync('docs/METRICS.md', 'utf8').matchAll(/^\| `(agentmq_\w+)` +\| (\w+) +\|([^|]*)\|/gm);
  return new Map(
    [...rows].map(([, name = '', type, labels = '']) => {
      const sorted = [...labels.matchAll(/\w+/g)].map(([label]) => label).sort((a, b) => (a < b ? -1 : 1));
      return [name, [type, sorted.join()].join(' ')];
    }),
  );
}
