import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { loadOpenTelemetry } from 'agentmq/telemetry';
import { Spans } from './spans.js';
import { newTrace } from './trace-context.js';

const exporter = new InMemorySpanExporter();

beforeAll(async () => {
  await loadOpenTelemetry();
  trace.setGlobalTracerProvider(new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});
afterAll(() => trace.disable());

it('the span of a large batch has as many links as OpenTelemetry keeps, and the size of the batch', async () => {
  const spans = new Spans('worker-1', () => true);
  const messages = Array.from({ length: 200 }, () => ({ trace: newTrace(true) }));
  await spans.together('receive', 'role.worker', messages, () => Promise.resolve());
  const [span] = exporter.getFinishedSpans();
  expect(span?.links).toHaveLength(128);
  expect(span?.droppedLinksCount).toBe(0);
  expect(span?.attributes['messaging.batch.message_count']).toBe(200);
});
