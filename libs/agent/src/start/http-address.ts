import isInsideContainer from 'is-inside-container';
import type { AgentSettings, HttpSettings } from '../settings/settings.js';

/** The address at which an app serves HTTP; empty for all. In a container others can't reach loopback, and health is asked from outside. */
export const addressOf = ({ host }: HttpSettings): string =>
  host || (isInsideContainer() || process.env['KUBERNETES_SERVICE_HOST'] ? '' : '127.0.0.1');

/** What is wrong with serving HTTP there to whom these settings let in. */
export const problemsOfServing = ({ access, http }: AgentSettings): readonly string[] => [
  ...access.problemsAt(addressOf(http)),
];

/** What the log is to warn of at the start; undefined where callers have to show a token. */
export function openness({ access }: AgentSettings): string | undefined {
  if (access.needsToken) return undefined;
  return access.anonymous === 'allow'
    ? 'HTTP_ANONYMOUS=allow: whatever reaches the port may read and change everything (docs/ACCESS.md)'
    : 'without HTTP_TOKENS only programs of this machine are answered over HTTP (docs/ACCESS.md)';
}
