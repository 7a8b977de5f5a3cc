/** Asks for a token; the session that it opens is a cookie that scripts can't read. */
import { useState } from 'preact/hooks';
import { ApiError } from './api/client.js';
import { login, me } from './state/session.js';
import { Button } from './ui/basics.js';

export function Login() {
  const [token, setToken] = useState('');
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    try {
      await login(token.trim());
    } catch (error) {
      const unknown = error instanceof ApiError && error.status === 401;
      setFault(unknown ? 'This token is not known here.' : (error as Error).message);
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)}>
        <span class="brand">
          <span class="mark" aria-hidden="true" />
          AgentMQ
        </span>
        <h1>Log in</h1>
        <p>{me.value && 'Your session has ended. '}With a token of this installation. It is not kept in the browser.</p>
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            autocomplete="current-password"
            required
            autofocus
            value={token}
            aria-invalid={fault !== undefined}
            aria-describedby="login-fault"
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        <p id="login-fault" role="alert" class={fault ? 'status bad' : ''}>
          {fault}
        </p>
        <Button type="submit" kind="primary" busy={busy} disabled={token.trim() === ''}>
          Log in
        </Button>
        <p class="hint">
          New one: <code>agentmq tokens generate --name me --role operator</code>
        </p>
      </form>
    </main>
  );
}
