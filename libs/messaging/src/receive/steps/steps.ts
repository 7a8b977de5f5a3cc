import { Logger } from '@nestjs/common';
import type { ConsumerName } from 'agentmq/message-store';
import { toWireError } from 'agentmq/protocol';
import { RepeatedLog } from 'agentmq/telemetry';
import type { ReceivingDependencies, Report } from '../dependencies.js';
import { describe } from '../rejected/error-record.js';
import { Rejections } from '../rejected/rejections.js';
import { Answerer } from './answerer.js';
import { Claims } from './claims.js';
import { HandlerRuns } from './handler-runs.js';

const logger = new Logger('Receiver');

/** The steps that the messages of one consumer go through. */
export class Steps {
  private readonly log = new RepeatedLog(logger);
  readonly claims: Claims;
  readonly runs = new HandlerRuns();
  readonly answerer: Answerer;
  readonly rejections: Rejections;

  constructor(
    dependencies: ReceivingDependencies,
    readonly consumer: ConsumerName,
  ) {
    this.claims = new Claims(dependencies, consumer, this.report);
    this.answerer = new Answerer(dependencies, this.report);
    this.rejections = new Rejections(dependencies, this.claims, this.answerer, consumer);
  }

  readonly report: Report = (what, error) => {
    const record = toWireError(error);
    this.log.warn(what, { code: record.code, message: describe(record) });
  };

  /** Aborts what still runs, and gives back what is claimed. */
  async stop(): Promise<void> {
    const released = this.claims.stop();
    this.runs.abort(new Error('the agent stops'));
    await released;
  }
}
