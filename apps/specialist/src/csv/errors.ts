import { AgentMQError } from 'agentmq';

/** The input can't be analysed. The message names the file and, where there is one, the line: `data.csv:3: ...`. */
export class CsvInputError extends AgentMQError {
  readonly code = 'CSV_INPUT';

  constructor(
    readonly file: string,
    readonly line: number | undefined,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${file}${line === undefined ? '' : `:${line}`}: ${problem}`, options);
  }
}
