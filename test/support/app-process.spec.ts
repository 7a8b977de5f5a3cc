import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProcess } from './app-process.js';

const APP = `
import { createServer } from 'node:http';
console.log('greeting ' + process.env.GREETING + ', jest ' + process.env.JEST_WORKER_ID);
if (process.env.FAIL) throw new Error('no settings');
let asked = 0;
createServer((request, response) => {
  response.statusCode = request.url === '/health/ready' && ++asked > 2 ? 200 : 503;
  response.end();
}).listen(Number(process.env.HTTP_PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(7));
`;

describe('AppProcess', () => {
  let folder: string;
  let script: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'app-process-'));
    script = join(folder, 'app.mjs');
    writeFileSync(script, APP);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is ready when the app says so, has its output, and tells how it ended', async () => {
    const app = await AppProcess.start(script, { GREETING: 'hello' });
    await app.ready();
    expect(app.output()).toBe('greeting hello, jest undefined\n');
    expect(await app.kill('SIGTERM')).toEqual({ code: 7, signal: null });
    expect(await app.kill()).toEqual({ code: 7, signal: null });
    expect(app.output()).toContain('hello');
  });

  it('answers nothing while it is paused, and again once resumed', async () => {
    const app = await AppProcess.start(script, {});
    await app.ready();
    app.pause();
    await expect(fetch(app.url, { signal: AbortSignal.timeout(200) })).rejects.toThrow('timeout');
    app.resume();
    expect((await fetch(app.url)).status).toBe(503);
    expect(await app.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(app.running).toBe(false);
  });

  it('shows what an app wrote that ended before it was ready', async () => {
    const app = await AppProcess.start(script, { FAIL: 'yes' });
    await expect(app.ready()).rejects.toThrow(/ended \(exit code 1\)[^]*no settings/);
  });
});
