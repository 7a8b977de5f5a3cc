import { DeclinedError, UsageError } from './errors.js';

/**
 * Asks on the terminal whether to go on. Rejects with {@link DeclinedError} unless the answer is yes, and with `UsageError` where
 * there is no terminal to ask on.
 */
export async function confirmed(question: string, { yes }: { readonly yes: boolean }): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError(`${question} There is no terminal to ask on: add --yes`);
  const { default: confirm } = await import('@inquirer/confirm');
  const answer = await confirm({ message: question, default: false }, { output: process.stderr }).catch(() => false);
  if (!answer) throw new DeclinedError('nothing was changed');
}
