/**
 * Requests to the endpoints that this page came from.
 *
 *     const page = await get<Page<AgentRow>>('/agents', { limit: 50 });
 *     await post(path`/agents/${id}/pause`, { reason });
 *
 * What is not 2xx is thrown as `ApiError` (RFC 9457), what was not answered as `Unreachable`; reading is given up after 45 s, as a host
 * that has gone without a word never answers. A 401 shows the login.
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

/** Longer than the server's own limit for what it reads, in ms. */
const PATIENCE_MS = 45_000;
/** Of a server that can do nothing for now, and of a proxy before one that is away. */
const AWAY = [502, 503, 504];

/** It may pass by itself: asking again later makes sense. */
export const isPassing = (error: unknown): boolean =>
  error instanceof Unreachable || (error instanceof ApiError && AWAY.includes(error.status));

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
  const reads = method === 'GET';
  const limits = [...(signal ? [signal] : []), ...(reads ? [AbortSignal.timeout(PATIENCE_MS)] : [])];
  const unreachable = (error: unknown): never => {
    if (signal?.aborted) throw error;
    throw new Unreachable(
      reads
        ? 'The server did not answer. It may be restarting.'
        : 'The server did not answer: look whether it was done before you try again.',
    );
  };
  const response = await fetch(url, {
    method,
    headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: AbortSignal.any(limits),
  }).catch(unreachable);
  const text = await response.text().catch(unreachable);
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
