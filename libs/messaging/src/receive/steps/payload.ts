import { decodeBody, type Message, readPayload } from 'agentmq/protocol';
import type { MessageSealing } from '../../sealing/message-sealing.js';
import { isSealed, type SealedFor } from '../../sealing/sealer.js';
import type { HandlerGroup } from '../handlers/handler-table.js';

/**
 * The payload of a message as its handlers get it: opened, of their version, and validated. `sealedFor`: in place of what messages are
 * sealed for. Throws or rejects with
 * `InvalidMessageError`, `ContractViolationError` or `NotSealedError`, and as `MessageSealing.open` does.
 */
export function payloadOf(
  message: Message,
  { contract }: HandlerGroup,
  sealing: MessageSealing,
  sealedFor?: SealedFor,
): object | Promise<object> {
  const read = (body: Buffer): object => readPayload(contract, decodeBody(body), message.version);
  if (isSealed(message)) return sealing.open(message, sealedFor).then(read);
  sealing.refuseClear(contract);
  return read(message.body);
}
