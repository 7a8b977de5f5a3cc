import { type ContractDefinition, contractKey, ContractViolationError, InvalidMessageError } from 'agentmq/contracts';

/** The payload as it goes over the wire. Throws `ContractViolationError` for a value that JSON has no form for. */
export function encodeBody(contract: ContractDefinition, payload: object): Buffer {
  try {
    return Buffer.from(JSON.stringify(payload));
  } catch (error) {
    throw new ContractViolationError(contractKey(contract), [
      { field: 'payload', rule: 'isJSON', message: error instanceof Error ? error.message : String(error) },
    ]);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON value of a body. Throws `InvalidMessageError`. */
export function decodeBody(body: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(body)) as unknown;
  } catch (error) {
    throw new InvalidMessageError('body', 'is not JSON in UTF-8', { cause: error });
  }
}
