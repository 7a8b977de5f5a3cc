/** A JSON Schema, as OpenAPI 3.1 has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** An operation, as `npm run openapi` reads it from its controller. */
export interface DescribedOperation {
  readonly tag: string;
  readonly id: string;
  readonly role: string;
  readonly description?: string;
  readonly parameters?: readonly JsonSchema[];
  readonly requestBody?: JsonSchema;
  /** By status. */
  readonly answers: Readonly<Record<string, JsonSchema>>;
}

export type DescribedPaths = Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
export type DescribedSchemas = Readonly<Record<string, JsonSchema>>;

const PROBLEM: JsonSchema = {
  type: 'object',
  description: 'Why a request was not carried out: RFC 9457.',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'For people.' },
    code: { type: 'string', description: 'For programs: stable.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { field: { type: 'string' }, message: { type: 'string' } },
        required: ['field', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code'],
};

const refused = (description: string): JsonSchema => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const REFUSALS: Readonly<Record<string, JsonSchema>> = {
  '401': refused('No token, or one that is not known.'),
  '403': refused('The role does not suffice; or a foreign Host or Origin.'),
  default: refused('Anything else that went wrong.'),
};

/** OpenAPI 3.1 of what this app answers; `version` is AgentMQ's. */
export function openApiOf(paths: DescribedPaths, schemas: DescribedSchemas, version: string): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'AgentMQ',
      version,
      description:
        'Lists are pages, newest first: `limit`, and `after`, which is the `next` of the page before. Times are ISO 8601. Errors are problems (RFC 9457).',
    },
    security: [{ token: [] }, { session: [] }],
    paths: mapped(paths, (operations) => mapped(operations, operationOf)),
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of HTTP_TOKENS, or a JSON Web Token.' },
        session: { type: 'apiKey', in: 'cookie', name: 'agentmq_session', description: 'Begun by `POST /session`.' },
      },
      schemas: { ...schemas, Problem: PROBLEM },
    },
  };
}

function operationOf({ tag, id, role, answers, requestBody, ...rest }: DescribedOperation): object {
  return {
    tags: [tag],
    operationId: id,
    ...rest,
    'x-role': role,
    ...(role === 'none' ? { security: [] } : {}),
    ...(requestBody ? { requestBody: { required: true, ...requestBody } } : {}),
    responses: {
      ...mapped(answers, (answer, status) => ({ description: WORDS[status] ?? 'Done.', ...answer })),
      ...REFUSALS,
    },
  };
}

const WORDS: Readonly<Record<string, string>> = {
  '202': 'Accepted: it goes on.',
  '204': 'Done: there is nothing to tell.',
};

const mapped = <T, U>(from: Readonly<Record<string, T>>, to: (value: T, key: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(from).map(([key, value]) => [key, to(value, key)]));
