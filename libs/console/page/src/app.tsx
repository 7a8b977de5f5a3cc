/** The page: navigation, the view of the address, and what lies above all views (dialogs, toasts, login). */
import type { ComponentChildren } from 'preact';
import { useEffect, useErrorBoundary, useState } from 'preact/hooks';
import { needsLogin } from './api/client.js';
import { Login } from './login.js';
import { Navigation } from './navigation.js';
import { routes } from './routes.js';
import { href, location, match } from './state/router.js';
import { Confirmations } from './ui/dialog.js';
import { Icon } from './ui/icon.js';
import { Empty, Fault } from './ui/states.js';
import { Toasts } from './ui/toasts.js';
import { View } from './ui/view.js';

export function App() {
  if (needsLogin.value) return <Login />;
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <Side />
      <main id="main" tabIndex={-1}>
        <Current />
      </main>
      <Confirmations />
      <Toasts />
    </>
  );
}

/** The hash is the address of the view, so that a link to `#main` would leave it. */
function skip(event: Event): void {
  event.preventDefault();
  document.querySelector('main')?.focus();
}

/** On a phone the navigation is behind a button, and closes when the address changes. */
function Side() {
  const [open, setOpen] = useState(false);
  const { path } = location.value;
  useEffect(() => setOpen(false), [path]);
  return (
    <header class={`side ${open ? 'open' : ''}`} onKeyDown={({ key }) => key === 'Escape' && setOpen(false)}>
      <div class="bar">
        <a class="brand" href={href('/')}>
          <span class="mark" aria-hidden="true" />
          AgentMQ
        </a>
        <button
          type="button"
          class="menu"
          aria-expanded={open}
          aria-controls="navigation"
          aria-label="menu"
          onClick={() => setOpen(!open)}
        >
          <Icon name={open ? 'close' : 'menu'} />
        </button>
      </div>
      <Navigation />
    </header>
  );
}

/** A view that throws is told of in its place: the navigation stays. */
function Guarded({ children }: { readonly children: ComponentChildren }) {
  const [error, again] = useErrorBoundary() as [Error | undefined, () => void];
  return error ? (
    <View title="That did not work">
      <Fault error={error} retry={again} />
    </View>
  ) : (
    <>{children}</>
  );
}

function Current() {
  const { path } = location.value;
  for (const { pattern, view: Found } of routes) {
    const values = match(pattern, path);
    // a view that shows another thing begins anew
    if (values)
      return (
        <Guarded key={path}>
          <Found {...values} />
        </Guarded>
      );
  }
  return (
    <View title="Not found">
      <Empty title="There is no such view" action={<a href={href('/')}>Overview</a>}>
        The address {path} leads to nothing here.
      </Empty>
    </View>
  );
}
