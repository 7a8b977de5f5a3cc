import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export type AttributeValue = string | number | boolean;

/** A span as it was exported. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' of the first of a trace. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER';
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Ids of spans. */
  readonly links: readonly string[];
  readonly failed: boolean;
  /** Names of exceptions and other events. */
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, AttributeValue>> }[];
  /** Of the process that exported it. */
  readonly resource: Readonly<Record<string, AttributeValue>>;
}

/** A collector: takes spans over OTLP/HTTP in protobuf, as OpenTelemetry's exporters send them, and keeps them. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<OtlpReceiver> {
    const server = createServer();
    const receiver = new OtlpReceiver(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        if (request.method !== 'POST' || request.url !== '/v1/traces') return response.writeHead(404).end();
        receiver.spans.push(...spansIn(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body));
        // an empty ExportTraceServiceResponse
        return response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** The values of each field of a protobuf message, by the field's number: numbers, or bytes. */
type Fields = Map<number, (bigint | Buffer)[]>;

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** https://protobuf.dev/programming-guides/encoding */
function fieldsOf(bytes: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    let value: bigint | Buffer;
    if (wire === WIRE.varint) value = varint();
    else {
      const length = wire === WIRE.fixed64 ? 8 : wire === WIRE.fixed32 ? 4 : Number(varint());
      value = bytes.subarray(at, at + length);
      at += length;
    }
    fields.set(tag >>> 3, [...(fields.get(tag >>> 3) ?? []), value]);
  }
  return fields;
}

const messages = (fields: Fields, number: number): Fields[] => bytesOf(fields, number).map(fieldsOf);
const bytesOf = (fields: Fields, number: number): Buffer[] =>
  (fields.get(number) ?? []).filter((value) => Buffer.isBuffer(value));
const text = (fields: Fields, number: number): string => bytesOf(fields, number)[0]?.toString() ?? '';
const hex = (fields: Fields, number: number): string => bytesOf(fields, number)[0]?.toString('hex') ?? '';

const KINDS = ['INTERNAL', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
const STATUS_ERROR = 2n;

/** Numbers as in opentelemetry/proto/collector/trace/v1, trace/v1, common/v1 and resource/v1. */
function spansIn(body: Buffer): ReceivedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((ofResource) => {
    const resource = attributesOf(messages(ofResource, 1)[0] ?? new Map(), 1);
    const spans = messages(ofResource, 2).flatMap((ofScope) => messages(ofScope, 2));
    return spans.map((span) => ({
      traceId: hex(span, 1),
      spanId: hex(span, 2),
      parentId: hex(span, 4),
      name: text(span, 5),
      kind: KINDS[Number(span.get(6)?.[0] ?? 0)] ?? 'INTERNAL',
      attributes: attributesOf(span, 9),
      events: messages(span, 11).map((event) => ({ name: text(event, 2), attributes: attributesOf(event, 3) })),
      links: messages(span, 13).map((link) => hex(link, 2)),
      failed: messages(span, 15)[0]?.get(3)?.[0] === STATUS_ERROR,
      resource,
    }));
  });
}

const attributesOf = (fields: Fields, number: number): Record<string, AttributeValue> =>
  Object.fromEntries(messages(fields, number).map((pair) => [text(pair, 1), valueOf(messages(pair, 2)[0])]));

function valueOf(value: Fields = new Map()): AttributeValue {
  const [[number, [of]] = [1, [undefined]]] = value;
  if (Buffer.isBuffer(of)) return number === 4 ? of.readDoubleLE() : of.toString();
  return number === 2 ? of === 1n : Number(of ?? 0);
}
