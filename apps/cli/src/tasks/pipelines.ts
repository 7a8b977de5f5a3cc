import { type PipelineRun, Pipelines, PipelinesModule, type StageOfRun } from 'agentmq/coordination';
import { findRun, listRuns, type PageQuery, type RunQuery } from 'agentmq/operations';
import type { JsonOption, ListOptions } from '../command/options.js';
import { withClient } from '../command/with-client.js';
import {
  age,
  between,
  errorLine,
  print,
  printFields,
  printHeading,
  printJson,
  printPage,
  printTable,
  stateStyle,
  type TableView,
} from '../output/index.js';

export interface RunsOptions extends ListOptions, Omit<RunQuery, keyof PageQuery> {}

const OF_PIPELINES = { imports: [PipelinesModule], withoutBroker: true };

/** Prints runs of pipelines, newest first. */
export function printRuns({ json, ...filter }: RunsOptions): Promise<void> {
  return withClient(async (client) => {
    printPage(await listRuns(client.get(Pipelines), filter), json, runsView);
  }, OF_PIPELINES);
}

/** Prints one run with its stages. Rejects with `UnknownTaskError`. */
export function showRun(id: string, { json }: JsonOption): Promise<void> {
  return withClient(async (client) => {
    const run = await findRun(client.get(Pipelines), id);
    if (json) printJson(run);
    else printRun(run);
  }, OF_PIPELINES);
}

const runsView: TableView<PipelineRun> = {
  columns: [
    { title: 'id', align: 'left', cell: ({ id }) => id },
    { title: 'pipeline', align: 'left', least: 8, cell: ({ pipeline }) => pipeline },
    { title: 'begun', align: 'right', optional: 1, cell: ({ createdAt }) => age(createdAt) },
    { title: 'took', align: 'right', optional: 2, cell: ({ createdAt, finishedAt }) => between(createdAt, finishedAt) },
    { title: 'stage', align: 'left', least: 8, cell: stageOf },
    {
      title: 'state',
      align: 'left',
      least: 9,
      paint: stateStyle,
      cell: ({ state, error }) => [state, errorLine(error)].filter(Boolean).join(': '),
    },
  ],
  none: 'no runs of pipelines',
};

const stagesView: TableView<StageOfRun> = {
  columns: [
    { title: 'stage', align: 'left', least: 8, cell: ({ name }) => name },
    { title: 'agent', align: 'left', least: 8, cell: ({ agentId }) => agentId ?? '-' },
    {
      title: 'waited',
      align: 'right',
      optional: 1,
      cell: ({ reachedAt, startedAt }) => (startedAt ? between(reachedAt, startedAt) : '-'),
    },
    { title: 'took', align: 'right', cell: ({ startedAt, finishedAt }) => between(startedAt, finishedAt) },
    { title: 'failures', align: 'right', optional: 2, cell: ({ failures }) => String(failures) },
    { title: 'task', align: 'left', least: 8, optional: 3, cell: ({ taskId }) => taskId ?? '-' },
    {
      title: 'state',
      align: 'left',
      least: 9,
      paint: stateStyle,
      cell: ({ state, error }) => [state, errorLine(error)].filter(Boolean).join(': '),
    },
  ],
  none: 'no stages',
};

/** `2 of 4: clean`: the stage that it has reached. */
function stageOf({ stages }: PipelineRun): string {
  const reached = stages.findLastIndex(({ state }) => state !== 'pending');
  return `${reached + 1} of ${stages.length}${reached < 0 ? '' : `: ${stages[reached]?.name}`}`;
}

function printRun(run: PipelineRun): void {
  printFields({
    run: run.id,
    pipeline: run.pipeline,
    state: [run.state, stateStyle(run.state)],
    begun: `${run.createdAt.toISOString()} by ${run.submitter}`,
    finished: run.finishedAt?.toISOString(),
    deadline: run.deadline.toISOString(),
    error: run.error ? [errorLine(run.error), 'red'] : undefined,
  });
  printHeading('stages');
  printTable(run.stages, stagesView);
  if (run.resultHidden === undefined && run.result === undefined) return;
  printHeading('result');
  print(...(run.resultHidden ? [`not shown: ${run.resultHidden}`] : JSON.stringify(run.result, null, 2).split('\n')));
}
