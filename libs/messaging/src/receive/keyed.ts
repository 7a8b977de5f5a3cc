import { type ContractDefinition, decodeBody, keysOf, type Message } from 'agentmq/protocol';

/** A message that came over the wire, with the keys by which it is found once it is stored. */
export function keyed(message: Message, contract: ContractDefinition | undefined): Message {
  if (!contract || contract.keys.length === 0) return message;
  try {
    const keys = keysOf(contract, decodeBody(message.body));
    return keys ? { ...message, keys } : message;
  } catch {
    // What can't be read is refused where it is handled.
    return message;
  }
}
