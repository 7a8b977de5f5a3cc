import { INTERNAL_ERROR } from './reply-codes.js';

const DEAD_LETTERING =
  'the node may have failed at dead-lettering a message with a malformed x-death header, as RabbitMQ 3.10 does: ' +
  'see "A node that dead-letters no more" in docs/OPERATIONS.md';

/** What an operator can do about an error of the broker; undefined when there is nothing to add. */
function adviceOn({ code, message }: Error & { readonly code?: unknown }): string | undefined {
  if (code === INTERNAL_ERROR || /failed to perform operation on queue .* due to timeout/.test(message)) {
    return DEAD_LETTERING;
  }
  if (message.startsWith('Socket closed abruptly during opening handshake')) {
    return 'the broker may have reached its limit of connections';
  }
  return undefined;
}

/** The error with what an operator can do about it. */
export function explained(error: Error): Error {
  const advice = adviceOn(error);
  return advice === undefined ? error : new Error(`${error.message}: ${advice}`, { cause: error });
}

/** amqplib drops the reason that the broker gives for not opening a virtual host. */
export function refusedOpening(error: Error, { pathname, username }: URL): Error {
  if (!error.message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')) return error;
  const [host, user] = [decodeURIComponent(pathname.slice(1)) || '/', decodeURIComponent(username) || 'guest'];
  return new Error(
    `the broker does not open the virtual host "${host}" for the user "${user}": it does not exist, the user may not use it, ` +
      "or it has reached its limit of connections; RabbitMQ's log says which",
    { cause: error },
  );
}
