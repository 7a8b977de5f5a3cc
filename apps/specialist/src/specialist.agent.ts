import { type BeforeApplicationShutdown } from '@nestjs/common';
import { Agent, Handle } from 'agentmq/agent';
import {
  type AnalysisSummary,
  NlpRequest,
  type NlpResult,
  type PartialReceipt,
  PartialResult,
  RunRequest,
  SummaryRequest,
} from 'agentmq/contracts';
import { AnalysisSessions } from './analysis-sessions.js';
import { analyseText } from './nlp.js';

const SWEEP_MS = 60_000;

/** Merges partial statistics into summaries, and tells what texts are about and how they feel. */
@Agent({ role: 'specialist', capabilities: ['data_analysis', 'nlp_processing'], concurrency: 16 })
export class SpecialistAgent implements BeforeApplicationShutdown {
  private readonly sessions = new AnalysisSessions();
  private readonly sweeping = setInterval(() => this.sessions.sweep(), SWEEP_MS).unref();

  @Handle(RunRequest)
  begin({ runId }: RunRequest): void {
    this.sessions.open(runId);
  }

  @Handle(PartialResult)
  merge(partial: PartialResult): PartialReceipt {
    return this.sessions.add(partial);
  }

  @Handle(SummaryRequest)
  summarise(request: SummaryRequest): Promise<AnalysisSummary> {
    return this.sessions.summary(request);
  }

  @Handle(NlpRequest)
  async analyse({ texts, counts }: NlpRequest): Promise<NlpResult> {
    return analyseText(texts, counts);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.sweeping);
  }
}
