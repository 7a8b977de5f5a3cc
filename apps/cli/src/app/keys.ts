import { randomBytes } from 'node:crypto';
import { InvalidMessageError } from 'agentmq';
import { readKeys } from 'agentmq/messaging';

/** Prints a new key, as SEALING_KEYS and SEALING_KEYS_FILE take it. Throws `InvalidMessageError` for an id that is none. */
export function generateKey(id = `${new Date().toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`): void {
  const line = `${id}:${randomBytes(32).toString('base64')}`;
  const { keys, problems } = readKeys(line);
  if (keys[0]?.kid !== id) throw new InvalidMessageError('id', problems[0] ?? 'is none');
  process.stdout.write(`${line}\n`);
}
