import type { DynamicModule } from '@nestjs/common';
import { Team } from 'agentmq/agent';
import type { AgentModuleOptions } from 'agentmq';
import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { MonitorModule } from 'agentmq/apps/monitor';
import { CsvFile, SpecialistModule } from 'agentmq/apps/specialist';
import { WorkerModule } from 'agentmq/apps/worker';
import { protectApp } from 'agentmq/console';
import { type AnalysisProgress, AnalysisSummary, DataAnalysis } from 'agentmq/contracts';
import { TaskFailedError, Tasks } from 'agentmq/coordination';
import { fromWireError } from 'agentmq/protocol';
import { Metrics } from 'agentmq/telemetry';
import { buildReport, checkWritable, renderReport, writeReport } from '../report/index.js';
import { ProgressDisplay } from './progress.js';

export interface RunInput {
  /** A CSV file; `-` is the standard input. */
  readonly input: string;
  /** Workers. */
  readonly agents: number;
  /** Where report.json goes. */
  readonly output: string;
  /** Stop at the first row that can't be parsed. */
  readonly strict: boolean;
  /** Serve the page while they work. */
  readonly page: boolean;
}

/**
 * Starts a coordinator, a specialist, a monitor and workers in this process, has them analyse a file, prints the report
 * and writes it. Rejects with `CsvInputError` (the file), `OutputError` (the report), `SettingsError`, `StoreDirectoryError`, or
 * what the agents answered.
 */
export async function run(options: RunInput): Promise<void> {
  const table = await CsvFile.open(options.input);
  try {
    await checkWritable(options.output);
    await analyse(table, options);
  } finally {
    await table.close();
  }
}

async function analyse(table: CsvFile, { input, agents, output, strict, page }: RunInput): Promise<void> {
  const settings = Team.settings();
  const progress = new ProgressDisplay(table.size);
  process.stderr.write(
    `starting a coordinator, a specialist, a monitor and ${agents} ${agents === 1 ? 'worker' : 'workers'}\n`,
  );
  const started = performance.now();
  const team = await Team.open(settings);
  try {
    const metrics: Metrics[] = [];
    const add = async (name: string, module: (options: AgentModuleOptions) => DynamicModule) => {
      const agent = await team.add(name, module);
      metrics.push(agent.get(Metrics));
      return agent;
    };
    const monitor = (options: AgentModuleOptions): DynamicModule => MonitorModule.forRoot(options);
    if (page) {
      const served = await team.serve('monitor', monitor, protectApp);
      metrics.push(served.get(Metrics));
      process.stderr.write(`page: ${await served.getUrl()}\n`);
    } else {
      await add('monitor', monitor);
    }
    await add('specialist', (options) => SpecialistModule.forRoot({ ...options, allowedFile: table }));
    for (let n = 1; n <= agents; n++) await add(`worker-${n}`, (options) => WorkerModule.forRoot(options));
    const coordinator = await add('coordinator', (options) => CoordinatorModule.forRoot(options));
    // agents of other processes may share the servers; only this one may read the file
    const to = { agent: team.idOf('specialist') };
    const tasks = coordinator.get(Tasks);
    const id = await tasks.submit(DataAnalysis, { file: input, strict }, { to });
    const analysis = summaryOf(tasks, id, (each) => progress.show(each));
    const summary = await Promise.race([analysis, team.broken]);
    const durationMs = performance.now() - started;
    progress.stop();
    await team.stopAgents();
    const messages = { sent: await total(metrics, 'sent'), received: await total(metrics, 'received') };
    const report = buildReport({ input, agents, messages, durationMs }, summary);
    await writeReport(output, report);
    process.stdout.write(`${renderReport(report, process.stdout.columns)}\nreport: ${output}\n`);
  } catch (error) {
    // a signal has stopped the agents, and is about to end the process
    if (!team.isInterrupted) throw error;
  } finally {
    progress.stop();
    await team.stop();
  }
}

/** Rejects with `RemoteError` when the analysis failed. */
async function summaryOf(
  tasks: Tasks,
  id: string,
  onProgress: (progress: AnalysisProgress) => void,
): Promise<AnalysisSummary> {
  for await (const event of tasks.watch(id)) {
    if (event.kind === 'progress') onProgress(event.progress as AnalysisProgress);
  }
  try {
    return await tasks.result(id, { answer: AnalysisSummary });
  } catch (error) {
    throw error instanceof TaskFailedError ? fromWireError(error.reason) : error;
  }
}

/** How many messages these agents have sent or received on the bus, notices and heartbeats included. */
async function total(metrics: readonly Metrics[], what: 'sent' | 'received'): Promise<number> {
  const counters = metrics.map(({ registry }) => registry.getSingleMetric(`agentmq_messages_${what}_total`));
  const values = await Promise.all(counters.map(async (counter) => (await counter?.get())?.values ?? []));
  return values.flat().reduce((sum, { value }) => sum + value, 0);
}
