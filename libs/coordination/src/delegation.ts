import { Injectable } from '@nestjs/common';
import { AgentClient } from 'agentmq/agent';
import { AgentMQError } from 'agentmq/contracts';
import type { AgentRecord } from 'agentmq/message-store';
import pMap from 'p-map';
import pRetry from 'p-retry';
import { NoAbleAgentError } from './errors.js';

export interface AbleOptions {
  /** Instances that are known to be lost. */
  readonly except?: ReadonlySet<string>;
  /** How long to wait for an able agent to appear, in ms; 15,000 unless given. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface FanOutOptions {
  /** The most pieces out at once. */
  readonly window: number;
  /** Whether a retryable error is worth another attempt; yes unless given. */
  readonly retry?: (error: AgentMQError) => boolean;
  /** How often a piece that fails with a retryable error is tried, the first time included. */
  readonly attempts: number;
  readonly signal?: AbortSignal;
}

/** Finds who is able, and spreads the pieces of a job over them. */
@Injectable()
export class Delegation {
  constructor(private readonly agents: AgentClient) {}

  /** The least loaded healthy agent with a capability (a glob). Rejects with {@link NoAbleAgentError} when none appears in time. */
  async findAble(capability: string, { except, timeout = 15_000, signal }: AbleOptions = {}): Promise<AgentRecord> {
    return pRetry(
      () => {
        const able = this.agents.find({ capability }).find(({ instance }) => !except?.has(instance));
        if (!able) throw new NoAbleAgentError(capability);
        return able;
      },
      { retries: Infinity, minTimeout: 50, maxTimeout: 1_000, maxRetryTime: timeout, ...(signal ? { signal } : {}) },
    );
  }

  /**
   * Does every piece, as they come, at most `window` at once: a slow piece holds the source back, so memory is bounded.
   * Resolves when all are done; rejects with the first error that is not retryable or has used up its attempts.
   */
  async fanOut<Piece>(
    pieces: AsyncIterable<Piece>,
    work: (piece: Piece) => Promise<void>,
    { window, attempts, retry = () => true, signal }: FanOutOptions,
  ): Promise<void> {
    const attempt = (piece: Piece) =>
      pRetry(() => work(piece), {
        retries: attempts - 1,
        minTimeout: 200,
        maxTimeout: 5_000,
        randomize: true,
        shouldRetry: ({ error }) => error instanceof AgentMQError && error.retryable && retry(error),
        ...(signal ? { signal } : {}),
      });
    await pMap(pieces, attempt, { concurrency: window, ...(signal ? { signal } : {}) });
  }
}
