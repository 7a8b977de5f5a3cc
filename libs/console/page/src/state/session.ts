/** Who uses the page, and what it lets them do: `can('operator')` is read while rendering, and follows logins. */
import { signal } from '@preact/signals';
import { ApiError, del, get, needsLogin, post } from '../api/client.js';
import { later } from '../api/later.js';
import { connect, lose } from '../api/live.js';
import type { Me, Role } from '../api/types.js';

export const me = signal<Me | undefined>(undefined);

export const can = (role: Role): boolean =>
  me.value !== undefined && (me.value.roles.includes('operator') || me.value.roles.includes(role));

const RETRY_MS = 3_000;

/** Reads the session; with one, or without tokens at all, live updates begin. Tried again while the server can't tell. */
export async function begin(): Promise<void> {
  try {
    me.value = await get<Me>('/me');
    needsLogin.value = false;
    connect();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return;
    lose();
    later(RETRY_MS, () => void begin());
  }
}

/** Rejects with `ApiError` 401 for a token that is not known. */
export async function login(token: string): Promise<void> {
  await post('/session', { token });
  await begin();
}

export async function logout(): Promise<void> {
  await del('/session');
  me.value = undefined;
  needsLogin.value = true;
}
