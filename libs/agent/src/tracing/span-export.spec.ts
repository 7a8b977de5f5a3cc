import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { Sampler } from 'agentmq/messaging';
import { tracesSpans } from 'agentmq/telemetry';
import { exportSpans } from './span-export.js';

let exports = 0;
const collector = createServer((request, response) => {
  request.resume();
  exports++;
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
});

beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});
afterAll(() => {
  delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  collector.closeAllConnections();
  collector.close();
});

it('exports the spans of each app that a process starts, one after the other', async () => {
  for (const instanceId of ['first', 'second']) {
    const end = await exportSpans(
      { serviceName: 'worker', namespace: 'test', instanceId },
      new Sampler({ rate: 10, ratio: 0 }),
    );
    expect(tracesSpans()).toBe(true);
    const before = exports;
    trace.getTracer('test').startActiveSpan('work', (span) => {
      expect(trace.getSpan(context.active())).toBe(span);
      span.end();
    });
    await end();
    expect(exports).toBe(before + 1);
    expect(tracesSpans()).toBe(false);
  }
});
