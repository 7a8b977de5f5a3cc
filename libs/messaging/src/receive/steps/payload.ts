import { decodeBody, type Message, readPayload } from 'agentmq/protocol';
import type { MessageSealing } from '../../sealing/message-sealing.js';
import { isSealed } from '../../sealing/sealer.js';
import type { HandlerGroup } from '../handlers/handler-table.js';

/**
 * The payload of a message as its handlers get it: opened, of their version, and validated. Throws or rejects with
 * `InvalidMessageError`, `ContractViolationError` or `NotSealedError`, and as `MessageSealing.open` does.
 */
export function payloadOf(message: Message, group: HandlerGroup, sealing: MessageSealing): object | Promise<object> {
  const { contract, carriesOutTasks } = group;
  const read = (body: Buffer): object => readPayload(contract, decodeBody(body), message.version);
  if (isSealed(message)) return sealing.open(message, carriesOutTasks).then(read);
  sealing.refuseClear(contract);
  return read(message.body);
}
