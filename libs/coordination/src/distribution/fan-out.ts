import { AgentMQError } from 'agentmq/protocol';
import pMap from 'p-map';
import pRetry from 'p-retry';

export interface FanOutOptions {
  /** The most pieces out at once. */
  readonly window: number;
  /** Whether a retryable error is worth another attempt; yes unless given. */
  readonly retry?: (error: AgentMQError) => boolean;
  /** How often a piece that fails with a retryable error is tried, the first time included. */
  readonly attempts: number;
  readonly signal?: AbortSignal;
}

/**
 * Does every piece, as they come, at most `window` at once: a slow piece holds the source back, so memory is bounded.
 * Resolves when all are done; rejects with the first error that is not retryable or has used up its attempts.
 */
export async function fanOut<Piece>(
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
