import {
  Controller,
  Get,
  Headers,
  NotFoundException,
  Param,
  Res,
  ServiceUnavailableException,
  StreamableFile,
} from '@nestjs/common';
import { type PageFile, pageFiles } from './page-files.js';

interface Response {
  header(name: string, value: string): unknown;
}

/** Scripts, styles and fonts come from here alone, nothing inline; other sites can neither frame the page nor be sent forms by it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** The page for operators, at `/`, and what it is made of. Its views are behind the hash: `/#/messages`. */
@Controller()
export class PageController {
  private files: ReadonlyMap<string, PageFile> | undefined;

  @Get()
  index(
    @Headers('accept-encoding') encodings: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): StreamableFile {
    const file = this.find('index.html');
    if (!file) throw new ServiceUnavailableException('the page has not been built: npm run build');
    response.header('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    response.header('Referrer-Policy', 'no-referrer');
    response.header('Cache-Control', 'no-store');
    return answer(file, encodings, response);
  }

  @Get('assets/:name')
  asset(
    @Param('name') name: string,
    @Headers('accept-encoding') encodings: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): StreamableFile {
    const file = name === 'index.html' ? undefined : this.find(name);
    if (!file) throw new NotFoundException(`there is no asset ${name}`);
    // its name has the hash of what is in it
    response.header('Cache-Control', 'public, max-age=31536000, immutable');
    return answer(file, encodings, response);
  }

  private find(name: string): PageFile | undefined {
    this.files ??= pageFiles();
    return this.files?.get(name);
  }
}

function answer(
  { type, contents, gzipped }: PageFile,
  encodings: string | undefined,
  response: Response,
): StreamableFile {
  response.header('Vary', 'Accept-Encoding');
  response.header('X-Content-Type-Options', 'nosniff');
  const packed = gzipped !== undefined && /\bgzip\b/.test(encodings ?? '');
  if (packed) response.header('Content-Encoding', 'gzip');
  const body = packed ? gzipped : contents;
  return new StreamableFile(body, { type, length: body.length });
}
