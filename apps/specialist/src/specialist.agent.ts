import { Agent, Ctx } from 'agentmq';
import { type AnalysisSummary, DataAnalysis, NlpRequest, type NlpResult } from 'agentmq/contracts';
import { Delegation, Task, TaskContext } from 'agentmq/coordination';
import { analyseTable, type Table } from './analyse-table.js';
import type { CsvFile } from './csv/csv-file.js';
import { splitRecords } from './csv/split-records.js';
import { FilesForbiddenError } from './errors.js';
import { analyseText } from './nlp.js';

/** In ms; large tables take their time. */
const LONGEST_ANALYSIS_MS = 1_700_000;

/** The one file of the specialist's machine that tasks may name, if any: that of a run on one's own machine. */
export class FilePolicy {
  constructor(readonly allowedFile?: CsvFile) {}
}

/** Describes tables, whose chunks it has parsed by workers, and tells what texts are about and how they feel. */
@Agent({ role: 'specialist', concurrency: 16 })
export class SpecialistAgent {
  constructor(
    private readonly delegation: Delegation,
    private readonly files: FilePolicy,
  ) {}

  @Task(DataAnalysis, { timeout: LONGEST_ANALYSIS_MS })
  async describe(request: DataAnalysis, @Ctx() context: TaskContext): Promise<AnalysisSummary> {
    return analyseTable(this.tableOf(request), this.delegation, {
      strict: request.strict === true,
      onProgress: (progress) => context.progress(progress),
    });
  }

  @Task(NlpRequest)
  async analyse({ texts, counts }: NlpRequest): Promise<NlpResult> {
    return analyseText(texts, counts);
  }

  /** Fields that are optional may be null. */
  private tableOf(request: DataAnalysis): Table {
    const csv = request.csv ?? '';
    const { file } = request;
    const name = request.name ?? 'input.csv';
    const { allowedFile } = this.files;
    if (typeof file !== 'string') return { name, chunks: () => splitRecords([Buffer.from(csv)], { file: name }) };
    if (file !== allowedFile?.name) throw new FilesForbiddenError();
    return allowedFile;
  }
}
