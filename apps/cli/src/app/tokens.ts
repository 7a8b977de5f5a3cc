import { InvalidMessageError } from 'agentmq';
import { generateToken, type Role } from 'agentmq/http';

export interface TokenOptions {
  readonly name: string;
  readonly role: Role;
}

/** Prints a new token, and the line that HTTP_TOKENS_FILE takes. Throws `InvalidMessageError` for a name that is none. */
export function printToken({ name, role }: TokenOptions): void {
  const { token, line } = generated(name, role);
  process.stderr.write('the token, which is kept nowhere:\n');
  process.stdout.write(`${token}\n`);
  process.stderr.write(`the line for HTTP_TOKENS_FILE:\n`);
  process.stdout.write(`${line}\n`);
}

function generated(name: string, role: Role): ReturnType<typeof generateToken> {
  try {
    return generateToken(name, role);
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidMessageError('name', error.message);
    throw error;
  }
}
