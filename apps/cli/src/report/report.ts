import type { AnalysisSummary, ColumnSummary, Keyword, RejectedRows, Sentiment } from 'agentmq/contracts';

/** A column as the report tells it; its name is the key that it stands under. */
export type ColumnReport = ColumnSummary extends infer C ? (C extends ColumnSummary ? Omit<C, 'name'> : never) : never;

/** The content of `report.json`. */
export interface AnalysisReport {
  readonly input: string;
  /** Rows that were analysed: without the rejected ones. */
  readonly rows: number;
  /** How many workers the run had. */
  readonly agents: number;
  readonly columns: Readonly<Record<string, ColumnReport>>;
  readonly keywords: readonly Keyword[];
  readonly sentiment: (Sentiment & { readonly analysed: number }) | null;
  readonly rejected: RejectedRows;
  readonly messages: { readonly sent: number; readonly received: number };
  readonly durationMs: number;
}

/** What of a run is not in its summary. */
export interface RunFacts {
  readonly input: string;
  readonly agents: number;
  readonly messages: { readonly sent: number; readonly received: number };
  readonly durationMs: number;
}

export function buildReport(facts: RunFacts, summary: AnalysisSummary): AnalysisReport {
  const { rows, keywords, sentiment, analysed, rejected } = summary;
  return {
    input: facts.input,
    rows,
    agents: facts.agents,
    // fromEntries defines even a column named __proto__ as a plain property
    columns: Object.fromEntries(summary.columns.map(({ name, ...column }) => [name, column])),
    keywords,
    sentiment: sentiment && { ...sentiment, analysed },
    rejected,
    messages: { sent: facts.messages.sent, received: facts.messages.received },
    durationMs: Math.round(facts.durationMs),
  };
}
