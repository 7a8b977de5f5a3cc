/**
 * Requests to the endpoints that this page came from.
 *
 *     const page = await get<Page<AgentRow>>('/agents', { limit: 50 });
 *     await post(path`/agents/${id}/pause`, { reason });
 *
 * What is not 2xx is thrown as `ApiError` (RFC 9457), what did not arrive as `Unreachable`. A 401 shows the login.
 */
import { signal } from '@preact/signals';

export interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly status?: number;
  readonly code?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    const fields = problem.errors?.map(({ field, message }) => `${field}: ${message}`).join('; ');
    super(fields || problem.detail || problem.title || `HTTP ${status}`);
  }
}

export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** Set when the server asks for a token. */
export const needsLogin = signal(false);

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** A path with its values encoded: path`/messages/${id}`. */
export const path = (parts: TemplateStringsArray, ...values: readonly (string | number)[]): string =>
  String.raw({ raw: parts }, ...values.map((value) => encodeURIComponent(value)));

export const get = <T>(url: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  request<T>('GET', withQuery(url, query), undefined, signal);

export const post = <T = unknown>(url: string, body: object = {}): Promise<T> => request<T>('POST', url, body);

export const del = <T = unknown>(url: string, query?: Query): Promise<T> => request<T>('DELETE', withQuery(url, query));

/** Leaves out what is undefined or empty. */
export function withQuery(url: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${url}?${text}` : url;
}

async function request<T>(method: string, url: string, body?: object, signal?: AbortSignal): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new Unreachable('The server did not answer. It may be restarting; this page tries again.');
  });
  const text = await response.text();
  if (response.ok) return (text ? JSON.parse(text) : undefined) as T;
  if (response.status === 401) needsLogin.value = true;
  throw new ApiError(response.status, problemOf(text));
}

/** What stands before this server, a proxy for instance, may answer without JSON. */
function problemOf(text: string): Problem {
  try {
    const answered = JSON.parse(text) as Problem & { readonly message?: unknown };
    const told = typeof answered.message === 'string' ? { detail: answered.message } : {};
    return { ...told, ...answered };
  } catch {
    return {};
  }
}
