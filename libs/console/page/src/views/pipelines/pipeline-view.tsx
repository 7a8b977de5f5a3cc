/** One run of a pipeline: its stages over time, and what came of it. */
import { get, path } from '../../api/client.js';
import type { PipelineRow } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card, Facts, Id, Status } from '../../ui/basics.js';
import { duration } from '../../ui/format.js';
import { Pending } from '../../ui/states.js';
import { now, Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { Json } from '../messages/payload.js';
import { TimelineChart } from '../timeline/timeline-chart.js';
import { taskKinds } from '../tasks/task-kinds.js';
import { stagesTimeline } from '../tasks/task-timeline.js';

type Stage = PipelineRow['stages'][number];

export function PipelineView({ id = '' }: { readonly id?: string }) {
  const asked = useQuery<PipelineRow>(
    (signal) => get(path`/pipelines/${id}`, {}, signal),
    [id],
    ['pipelines', 'tasks'],
  );
  const { data: run } = asked;
  return (
    <View
      title={run ? run.pipeline : 'Run'}
      heading={
        run && (
          <>
            {run.pipeline} <Status kind={taskKinds[run.state]}>{run.state}</Status>
          </>
        )
      }
      lead={
        run && (
          <>
            by {run.submitter}, began <Time at={run.createdAt} />
          </>
        )
      }
      back={['Pipelines', href('/pipelines')]}
    >
      {run ? (
        <>
          <Card title="Stages over time">
            <TimelineChart
              label="Stages over time"
              timeline={stagesTimeline(run, run.state === 'running' ? now.value : 0)}
              name={(stage: Stage) => (
                <span class="hop">
                  <b>{stage.name}</b>
                  <span class="faint"> {stage.agentId ?? stage.destination}</span>
                </span>
              )}
              note={(stage) => <Status kind={taskKinds[stage.state]}>{stage.state}</Status>}
              details={(stage) => <StageDetails of={stage} />}
            />
          </Card>
          <div class="detail">
            <div class="main">
              {run.error && (
                <Card title="What went wrong">
                  <p class="error">{`${run.error.name} · ${run.error.code}: ${run.error.message}`}</p>
                </Card>
              )}
              {run.result !== undefined && (
                <Card title="Result">
                  <Json value={run.result} label="Result" />
                </Card>
              )}
              {run.resultHidden !== undefined && <p class="notice">The result is not shown: {run.resultHidden}.</p>}
            </div>
            <div class="aside">
              <Card title="About it">
                <Facts
                  of={[
                    ['Id', <Id value={run.id} />],
                    ['Trace', <a href={href(path`/traces/${run.id}`)}>Open its trace</a>],
                    ['Finished', run.finishedAt && <Time at={run.finishedAt} />],
                    ['Deadline', <Time at={run.deadline} />],
                  ]}
                />
              </Card>
            </div>
          </div>
        </>
      ) : (
        <Pending of={asked} />
      )}
    </View>
  );
}

const StageDetails = ({
  of: { taskId, reachedAt, startedAt, finishedAt, failures, destination, error },
}: {
  readonly of: Stage;
}) => (
  <div class="hop-details">
    <Facts
      of={[
        ['Task', taskId && <Id value={taskId} to={href(path`/tasks/${taskId}`)} />],
        ['To', destination],
        ['Reached', reachedAt && <Time at={reachedAt} />],
        ['Waited', reachedAt && startedAt && duration(Date.parse(startedAt) - Date.parse(reachedAt))],
        ['Ran', startedAt && finishedAt && duration(Date.parse(finishedAt) - Date.parse(startedAt))],
        ['Failures', failures > 0 && failures],
        ['Error', error && <span class="error">{`${error.code}: ${error.message}`}</span>],
      ]}
    />
  </div>
);
