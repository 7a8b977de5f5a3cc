import { readTrace } from 'agentmq/messaging';
import { print, printJson } from '../output.js';
import { renderTrace } from './trace-text.js';
import { withStore } from './with-store.js';

export interface TraceOptions {
  readonly json: boolean;
}

/** Prints a flow as a tree. Rejects with `TraceNotFoundError`. */
export function showTrace(id: string, { json }: TraceOptions): Promise<void> {
  return withStore(async (store) => {
    const found = await readTrace(store, id);
    if (json) printJson(found);
    else print(...renderTrace(found, process.stdout.columns));
  });
}
