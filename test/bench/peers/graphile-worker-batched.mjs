import * as graphileWorker from './graphile-worker.mjs';

/** @param {import('../compare/contender.js').Surroundings} surroundings */
export const receive = (surroundings) =>
  graphileWorker.receive(surroundings, {
    localQueue: { size: surroundings.prefetch },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  });

export const send = graphileWorker.send;
