import type { IncomingHttpHeaders } from 'node:http';

/** As much of an HTTP request, of Node, Express or Fastify, as tells where it comes from. */
export interface HttpRequest {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

export const isReading = ({ method }: HttpRequest): boolean => method === 'GET' || method === 'HEAD';

export const hasBody = ({ headers }: HttpRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
