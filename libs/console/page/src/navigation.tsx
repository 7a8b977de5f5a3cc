/** The list of views, the state of the connection, and the user of the page. */
import { connection, overview } from './api/live.js';
import { navigation } from './routes.js';
import { href, location } from './state/router.js';
import { can, logout, me } from './state/session.js';
import { compact } from './ui/format.js';
import { Icon } from './ui/icon.js';
import { toast } from './ui/toasts.js';

export function Navigation() {
  const { path } = location.value;
  const isCurrent = (to: string): boolean => path === to || (to !== '/' && path.startsWith(`${to}/`));
  return (
    <nav id="navigation" aria-label="Views">
      {navigation.map(({ title, entries }) => (
        <section key={title} aria-label={title}>
          <h2>{title}</h2>
          <ul>
            {entries.map((entry) => (
              <li key={entry.path}>
                <a href={href(entry.path)} aria-current={isCurrent(entry.path) ? 'page' : undefined}>
                  <Icon name={entry.icon} />
                  {entry.label}
                  <Mark of={entry.path} />
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <User />
    </nav>
  );
}

/** What an operator should not have to look for. */
function Mark({ of }: { readonly of: string }) {
  const { deadLetters = 0, agents, paused } = overview.value ?? {};
  if (of === '/dead-letters' && deadLetters > 0) return <span class="mark bad">{compact(deadLetters)}</span>;
  if (of === '/agents' && agents && agents.unhealthy > 0) return <span class="mark bad">{agents.unhealthy}</span>;
  const held = of === '/agents' ? paused?.agents : of === '/consumers' ? paused?.consumers : 0;
  if (held) return <span class="mark warn">{held} paused</span>;
  return null;
}

const connections = { live: 'Live', connecting: 'Connecting', lost: 'Reconnecting' } as const;

function User() {
  const leave = (): void => {
    logout().catch((error: Error) => toast(error.message, 'bad'));
  };
  return (
    <section class="user" aria-label="Session">
      <a href={href('/settings')} aria-current={location.value.path === '/settings' ? 'page' : undefined}>
        <Icon name="settings" />
        Settings
      </a>
      {me.value && !me.value.anonymous && (
        <button type="button" onClick={leave}>
          <Icon name="out" />
          Log out {me.value.name}
        </button>
      )}
      {me.value && !can('operator') && (
        <span class="may">{can('submitter') ? 'May read, and submit tasks' : 'May only read'}</span>
      )}
      <span class={`connection ${connection.value}`} role="status">
        {connections[connection.value]}
        {overview.value && <span class="faint"> · {overview.value.namespace}</span>}
      </span>
    </section>
  );
}
