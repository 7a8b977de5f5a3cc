import { InvalidMessageError } from 'agentmq/contracts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON value of a body. Throws `InvalidMessageError`. */
export function decodeBody(body: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(body)) as unknown;
  } catch (error) {
    throw new InvalidMessageError('body', 'is not JSON in UTF-8', { cause: error });
  }
}
