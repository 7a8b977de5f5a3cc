import { isIP } from 'node:net';
import { UnsupportedMediaTypeException } from '@nestjs/common';
import { ForeignHostError, ForeignOriginError } from '../errors.js';
import { hasBody, type HttpRequest } from './http-request.js';

export interface ProvenanceOptions {
  readonly allowedHosts: string;
  readonly allowedOrigins: string;
}

/** Whether a request comes the way that those of our own page and of programs do, whatever it may then do. */
export class Provenance {
  private readonly hosts: readonly string[];
  private readonly origins: ReadonlySet<string>;

  constructor({ allowedHosts, allowedOrigins }: ProvenanceOptions) {
    this.hosts = allowedHosts.toLowerCase().split(',');
    this.origins = new Set(allowedOrigins.toLowerCase().split(','));
  }

  /**
   * Throws `ForeignHostError` and `ForeignOriginError` for what a foreign page has a browser send, and
   * `UnsupportedMediaTypeException` for a body that is no JSON: a form, and text, are sent by a foreign page unasked.
   */
  check(request: HttpRequest): void {
    const { host, origin, 'content-type': type } = request.headers;
    if (host === undefined || !this.isOurs(host)) throw new ForeignHostError();
    if (origin !== undefined && !this.isOurOrigin(origin, host)) throw new ForeignOriginError();
    if (hasBody(request) && !/^application\/json\s*(;|$)/i.test(type ?? ''))
      throw new UnsupportedMediaTypeException('the body is to be application/json');
  }

  /** Addresses are: a page that was loaded from an address is that address' own. */
  private isOurs(host: string): boolean {
    const name = host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
    if (isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return true;
    return ['localhost', '*.localhost', ...this.hosts].some((allowed) =>
      allowed.startsWith('*.') ? name.endsWith(allowed.slice(1)) : name === allowed,
    );
  }

  private isOurOrigin(origin: string, host: string): boolean {
    if (this.origins.has(origin.toLowerCase())) return true;
    if (!URL.canParse(origin)) return false;
    const url = new URL(origin);
    // of its scheme the port is left out, by browsers and here
    const own = `${url.protocol}//${host}`;
    return URL.canParse(own) && url.host !== '' && url.host === new URL(own).host;
  }
}
