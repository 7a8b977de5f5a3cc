import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpException, type INestApplication, PayloadTooLargeException } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Access } from './access/access.js';
import type { HttpAccessSettings } from './access/access-settings.js';
import { hasBody, isReading } from './access/http-request.js';
import { ProblemFilter } from './problems/problem.filter.js';

/** An app on Express, as far as it is set up here: Nest's own type of it needs the types of Express, which an app need not have. */
export interface ExpressApp extends INestApplication {
  set(name: string, value: unknown): unknown;
  useBodyParser(type: 'json', options: { readonly limit: number }): unknown;
}

export interface Protection {
  readonly access: HttpAccessSettings;
  /** The largest body of a request, in bytes. */
  readonly largestBody: number;
  /** Below it, health is told to everybody. */
  readonly healthPath: string;
}

/** Of a request that has shown no token yet: a session is begun with little. */
const LARGEST_UNKNOWN_BYTES = 16_384;
const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;
const MINUTE_MS = 60_000;
const MOST_HEADERS = 100;

type Next = (error?: unknown) => void;
type Request = IncomingMessage & { readonly path: string };

/**
 * Makes an app safe to be served whose routes are all ours: headers, limits, and problems for whatever fails. Bodies are read only of callers
 * that are admitted. Call it before the app listens. An app with routes of its own needs none of this: our controllers refuse
 * for themselves what may not be asked of them.
 */
export async function protect(
  app: ExpressApp,
  { access: settings, largestBody, healthPath }: Protection,
): Promise<void> {
  const access = app.get(Access);
  const { rateLimit, maxConnections, trustedProxies } = settings;
  const [{ default: helmet }, { rateLimit: limited }] = await Promise.all([
    import('helmet'),
    import('express-rate-limit'),
  ]);
  if (trustedProxies !== '') app.set('trust proxy', trustedProxies);
  const isHealth = ({ path }: Request): boolean => path === healthPath || path.startsWith(`${healthPath}/`);
  const tooMany = (_: unknown, __: unknown, next: Next): void => next(new HttpException('too many requests', 429));
  app.use(
    helmet({ contentSecurityPolicy: { useDefaults: false, directives: DIRECTIVES }, strictTransportSecurity: false }),
  );
  if (rateLimit > 0)
    app.use(
      limited({
        windowMs: MINUTE_MS,
        limit: rateLimit,
        legacyHeaders: false,
        standardHeaders: 'draft-8',
        skip: isHealth,
        handler: tooMany,
        validate: false,
      }),
    );
  app.use(async (request: Request, _: ServerResponse, next: Next) => {
    let refusal: unknown;
    if (!isHealth(request)) await beforeBody(access, request).catch((error: unknown) => (refusal = error));
    else if (hasBody(request)) refusal = new PayloadTooLargeException('health is asked without a body');
    next(refusal);
  });
  app.useBodyParser('json', { limit: largestBody });
  app.useGlobalFilters(new ProblemFilter(app.get(HttpAdapterHost)));
  const server = app.getHttpServer();
  Object.assign(server, {
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    maxHeadersCount: MOST_HEADERS,
    maxConnections,
  });
}

/** Answers are data: a browser that shows one is to load nothing. The page has a policy of its own. */
const DIRECTIVES = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** Rejects where the body of a request is not to be read. */
async function beforeBody(access: Access, request: Request): Promise<void> {
  access.check(request);
  if (isReading(request) && !hasBody(request)) return;
  const { 'content-length': length } = request.headers;
  if (request.path !== '/session') await access.admit(request, 'viewer');
  else if (length === undefined ? hasBody(request) : Number(length) > LARGEST_UNKNOWN_BYTES)
    throw new PayloadTooLargeException(
      `a session is begun with at most ${LARGEST_UNKNOWN_BYTES} bytes, of a told length`,
    );
}
