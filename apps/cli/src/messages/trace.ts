import { readTrace } from 'agentmq/messaging';
import type { JsonOption } from '../command/options.js';
import { withStore } from '../command/with-store.js';
import { printJson, printLines, terminalWidth } from '../output/index.js';
import { renderTrace } from './trace-text.js';

/** Prints a flow as a tree. Rejects with `TraceNotFoundError`. */
export function showTrace(id: string, { json }: JsonOption): Promise<void> {
  return withStore(async (store) => {
    const found = await readTrace(store, id);
    if (json) printJson(found);
    else printLines(renderTrace(found, terminalWidth()));
  });
}
