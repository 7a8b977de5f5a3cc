import { type TraceNode, traceTree } from 'agentmq/apps/monitor';
import { formatRecipient } from 'agentmq/contracts';
import { print } from '../output.js';
import { withStore } from './with-store.js';

/** Prints a flow as a tree. Rejects with `TraceNotFoundError`. */
export function trace(id: string): Promise<void> {
  return withStore(async (store) => {
    const { traceId, messages, truncated, roots } = await traceTree(store, id);
    const lines = roots.flatMap((root) => render(root, ''));
    const more = truncated ? ', and more that are not shown' : '';
    print(`trace ${traceId}: ${messages} messages${more}`, ...lines);
  });
}

function render({ stored: { message, deliveries, published }, caused }: TraceNode, indent: string): string[] {
  const states = deliveries.map(
    ({ consumer, state, attempt }) => `${consumer} ${state}${attempt > 1 ? ` (${attempt})` : ''}`,
  );
  const fate = states.join(', ') || (published ? 'published' : 'not published yet');
  const { messageId, type, sender, recipient } = message;
  const line = `${type} ${messageId} ${sender} -> ${formatRecipient(recipient)}: ${fate}`;
  return [indent + line, ...caused.flatMap((each) => render(each, `${indent}  `))];
}
