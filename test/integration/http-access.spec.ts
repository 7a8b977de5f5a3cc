import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RequestMethod } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Validator } from '@seriousme/openapi-schema-validator';
import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { MonitorModule } from 'agentmq/apps/monitor';
import { protectApp } from 'agentmq/console';
import { AccessGuard, generateToken, type Role, ROLES } from 'agentmq/http';
import { TestSystem } from 'agentmq/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const given = ROLES.map((role) => generateToken(`the ${role}`.replace(' ', '-'), role));
const tokens = Object.fromEntries(ROLES.map((role, index) => [role, given[index]?.token])) as Record<Role, string>;
const ISSUER = 'https://login.example.org';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Record<string, unknown>;
}

/** Asks as `fetch` can't: with any Host. */
const ask = (url: string, method = 'GET', headers: Record<string, string> = {}, body?: string): Promise<Answer> => {
  const ofBody: Record<string, string> = body
    ? { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }
    : {};
  return asked(url, method, { ...ofBody, ...headers }, body);
};

/** With these headers alone. */
const asked = (url: string, method: string, headers: Record<string, string>, body?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method, headers });
    sent.on('error', reject).on('response', (response) => {
      // a stream of events has no end
      if (response.headers['content-type'] === 'text/event-stream') {
        sent.destroy();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: {} });
      }
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const isJson = /json/.test(String(response.headers['content-type']));
        const parsed = isJson ? (JSON.parse(text) as Answer['body']) : { text };
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed });
      });
    });
    sent.end(body);
  });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly 'x-role': Role | 'none';
  readonly responses: Readonly<Record<string, unknown>>;
}

/** The methods and paths of all controllers that are guarded. */
function routesOf(modules: ModulesContainer): string[] {
  const controllers = new Set([...modules.values()].flatMap((module) => [...module.controllers.values()]));
  return [...controllers].flatMap(({ metatype }) => {
    const guards = (metatype && (Reflect.getMetadata('__guards__', metatype) as unknown[] | undefined)) ?? [];
    if (!metatype || !guards.includes(AccessGuard)) return [];
    const prefix = Reflect.getMetadata('path', metatype) as string;
    return Object.getOwnPropertyNames(metatype.prototype).flatMap((name) => {
      const handler = (metatype.prototype as Record<string, object>)[name] ?? {};
      const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
      if (method === undefined) return [];
      const parts = [prefix, Reflect.getMetadata('path', handler) as string].map((part) =>
        part.replaceAll(/^\/|\/$/g, ''),
      );
      const path = parts.filter((part) => part !== '').join('/');
      return `${RequestMethod[method]} /${path.replaceAll(/:(\w+)/g, '{$1}')}`;
    });
  });
}

describe('access over HTTP', () => {
  let system: TestSystem;
  let provider: Server;
  let url: string;
  let sign: (
    claims: object,
    more?: { readonly issuer?: string; readonly audience?: string; readonly ends?: string },
  ) => Promise<string>;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' };
    provider = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] }))).listen(0, '127.0.0.1');
    await new Promise((resolve) => provider.once('listening', resolve));
    const { port } = provider.address() as AddressInfo;
    sign = (claims, { issuer = ISSUER, audience = 'agentmq', ends = '5m' } = {}) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setSubject('u-17')
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(ends)
        .sign(privateKey);
    const access = {
      tokens: given.map(({ line }) => line).join(','),
      jwksUrl: `http://127.0.0.1:${port}/keys`,
      jwtIssuer: ISSUER,
      jwtAudience: 'agentmq',
      jwtRolesClaim: 'realm_access.roles',
      jwtNameClaim: 'email',
      allowedHosts: '*.agents.example.org',
    };
    const http = { nest: protectApp as (app: unknown) => Promise<void> };
    system = await TestSystem.create({
      id: 'monitor-1',
      imports: [MonitorModule.forRoot()],
      http,
      settings: { access },
      apps: [{ id: 'coordinator-1', imports: [CoordinatorModule.forRoot()], settings: { access }, http }],
      logger: ['fatal'],
    });
    const monitor = system.apps.find(({ id }) => id === 'monitor-1');
    url = (await monitor?.http.getUrl()) ?? '';
  });
  afterAll(async () => {
    await system.close();
    provider.close();
  });

  it('is told nothing but health without a token that is known', async () => {
    expect(await ask(`${url}/health/ready`)).toMatchObject({ status: 200 });
    for (const path of ['/me', '/metrics', '/dead-letters', '/messages/x']) {
      const { status, headers, body } = await ask(`${url}${path}`);
      expect({ path, status, challenge: headers['www-authenticate'] }).toEqual({
        path,
        status: 401,
        challenge: 'Bearer realm="agentmq"',
      });
      expect(headers['content-type']).toMatch('application/problem+json');
      expect(body).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', title: 'Unauthorized', type: 'about:blank' });
      const wrong = await ask(`${url}${path}`, 'GET', bearer('agentmq_wrong'));
      expect(wrong).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="agentmq", error="invalid_token"' },
      });
      expect(await ask(`${url}${path}`, 'GET', bearer(tokens.viewer))).not.toMatchObject({ status: 401 });
    }
  });

  it('a viewer changes nothing, an operator does', async () => {
    expect((await ask(`${url}/me`, 'GET', bearer(tokens.viewer))).body).toEqual({
      name: 'the-viewer',
      roles: ['viewer'],
      anonymous: false,
    });
    for (const role of ['viewer', 'submitter'] as const)
      expect(await ask(`${url}/replay`, 'POST', bearer(tokens[role]), '{"dryRun":true}')).toMatchObject({
        status: 403,
        body: { code: 'FORBIDDEN' },
      });
    expect(await ask(`${url}/replay`, 'POST', bearer(tokens.operator), '{"dryRun":true}')).toMatchObject({
      status: 200,
    });
  });

  it('takes the tokens of an identity provider, with their roles and names', async () => {
    const me = async (token: string) => {
      const { status, body } = await ask(`${url}/me`, 'GET', bearer(token));
      return status === 200 ? body : status;
    };
    const claims = { email: 'jane@example.org', realm_access: { roles: ['submitter', 'other'] } };
    expect(await me(await sign(claims))).toEqual({ name: 'jane@example.org', roles: ['submitter'], anonymous: false });
    expect(await me(await sign({ ...claims, realm_access: { roles: ['other'] } }))).toBe(403);
    expect(await me(await sign({ ...claims, email: 7 }))).toBe(401);
    expect(await me(await sign(claims, { issuer: 'https://other.example.org' }))).toBe(401);
    expect(await me(await sign(claims, { audience: 'other' }))).toBe(401);
    expect(await me(await sign(claims, { ends: '-1m' }))).toBe(401);
    const [header, , signature] = (await sign(claims)).split('.');
    const forged = Buffer.from(JSON.stringify({ ...claims, iss: ISSUER, aud: 'agentmq', exp: 9_999_999_999 }));
    expect(await me(`${header}.${forged.toString('base64url')}.${signature}`)).toBe(401);
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    expect(await me(`${none}.${forged.toString('base64url')}.`)).toBe(401);
  });

  it('a session is begun with a token, held by a cookie that scripts and other sites do not get, and ended', async () => {
    expect(await ask(`${url}/session`, 'POST', {}, '{"token":"agentmq_wrong"}')).toMatchObject({ status: 401 });
    const begun = await ask(`${url}/session`, 'POST', {}, JSON.stringify({ token: tokens.operator }));
    expect(begun).toMatchObject({ status: 200, body: { name: 'the-operator', roles: ['operator'], anonymous: false } });
    const [set = ''] = begun.headers['set-cookie'] as string[];
    expect(set).toMatch(/^agentmq_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43[12]\d\d$/);
    const [cookie = ''] = set.split(';');
    expect(await ask(`${url}/me`, 'GET', { cookie })).toMatchObject({ status: 200 });
    const change = (headers: Record<string, string>) =>
      ask(`${url}/replay`, 'POST', { cookie, ...headers }, '{"dryRun":true}');
    expect(await change({ origin: url })).toMatchObject({ status: 200 });
    expect(await change({})).toMatchObject({ status: 401 });
    expect(await change({ origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    expect(await ask(`${url}/me`, 'GET', { cookie: `${cookie}x` })).toMatchObject({ status: 401 });
    const ended = await ask(`${url}/session`, 'DELETE', { cookie, origin: url });
    expect(ended).toMatchObject({ status: 204, headers: { 'set-cookie': [expect.stringMatching('Max-Age=0')] } });
    expect(await ask(`${url}/me`, 'GET', { cookie })).toMatchObject({ status: 401 });
  });

  it('is refused under foreign names and for foreign pages, with any token', async () => {
    const operator = bearer(tokens.operator);
    const codeOf = async (headers: Record<string, string>) =>
      (await ask(`${url}/me`, 'GET', { ...operator, ...headers })).body['code'] ?? 200;
    expect(await codeOf({ host: 'evil.example' })).toBe('FOREIGN_HOST');
    expect(await codeOf({ host: 'agents.example.org' })).toBe('FOREIGN_HOST');
    expect(await codeOf({ host: 'eu.agents.example.org' })).toBe(200);
    expect(await codeOf({ host: '[::1]:3000' })).toBe(200);
    expect(await codeOf({ host: 'localhost:3000' })).toBe(200);
    expect(await codeOf({ origin: 'null' })).toBe('FOREIGN_ORIGIN');
    expect(await codeOf({ origin: 'http://localhost:9' })).toBe('FOREIGN_ORIGIN');
    expect(await codeOf({ origin: 'file://' })).toBe('FOREIGN_ORIGIN');
    expect(await codeOf({ host: 'localhost:99999999', origin: 'http://localhost' })).toBe('FOREIGN_ORIGIN');
    expect(await codeOf({ host: 'eu.agents.example.org', origin: 'https://eu.agents.example.org' })).toBe(200);
  });

  it('reads no body of callers that are not known, and takes JSON alone', async () => {
    const large = JSON.stringify({ token: 'x'.repeat(100_000) });
    expect(await ask(`${url}/session`, 'POST', {}, large)).toMatchObject({ status: 413 });
    for (const method of ['POST', 'GET'])
      expect(await ask(`${url}/replay`, method, {}, '{"broken')).toMatchObject({ status: 401 });
    // neither of those that need no token
    const chunked = { 'transfer-encoding': 'chunked', 'content-type': 'application/json' };
    for (const method of ['POST', 'DELETE', 'PUT', 'PATCH'])
      expect([method, (await asked(`${url}/session`, method, chunked, '{"broken')).status]).toEqual([method, 413]);
    for (const method of ['POST', 'GET'])
      for (const headers of [chunked, { 'content-type': 'application/json', 'content-length': '8' }]) {
        const { status } = await asked(`${url}/health/ready`, method, headers, '{"broken');
        expect([method, status]).toEqual([method, 413]);
      }
    const operator = bearer(tokens.operator);
    expect(await ask(`${url}/replay`, 'POST', operator, '{"broken')).toMatchObject({
      status: 400,
      body: { code: 'BAD_REQUEST', detail: expect.stringMatching(/JSON/) },
    });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect(await ask(`${url}/replay`, 'POST', { ...operator, 'content-type': type }, '{}')).toMatchObject({
        status: 415,
        body: { code: 'UNSUPPORTED_MEDIA_TYPE' },
      });
    expect(await ask(`${url}/nowhere`, 'GET', operator)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });

  it('names the field of what makes no sense, and changes nothing by it', async () => {
    const operator = bearer(tokens.operator);
    const cursor = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const fieldOf = async (target: string, body?: object): Promise<unknown> => {
      const sent = body === undefined ? undefined : JSON.stringify(body);
      const answer = await ask(`${url}/${target}`, sent === undefined ? 'GET' : 'POST', operator, sent);
      const [first] = (answer.body['errors'] ?? []) as readonly { readonly field: string }[];
      return answer.status === 400 ? first?.field : answer;
    };
    const selected = { reason: 'none' };
    for (const field of ['from', 'before'])
      for (const time of ['2026-W01', '2026-001', '0000-01-01', '9999-12-31T24:00:00Z', 'soon']) {
        expect(await fieldOf('dead-letters/discard', { ...selected, [field]: time })).toBe(field);
        for (const list of ['dead-letters', 'messages']) expect(await fieldOf(`${list}?${field}=${time}`)).toBe(field);
      }
    // for a client that has no value null means nothing; a discard of everything since 1970 is something
    for (const field of ['ids', 'traceId', 'type', 'topic', 'consumer', 'from', 'before', 'group', 'error', 'dryRun'])
      expect(await fieldOf('dead-letters/discard', { ...selected, [field]: null })).toBe(field);
    expect(await fieldOf('dead-letters/discard', selected)).toBe('all');
    expect(await fieldOf('tasks', { type: { toString: 1 }, payload: {} })).toBe('type');
    for (const day of ['0000-01-01', '2026-02-31', '2026-99-99'])
      for (const [list, more] of [['messages', ['id']] as const, ['dead-letters', ['id', 'role.worker']] as const])
        expect(await fieldOf(`${list}?after=${cursor(`${day}T00:00:00.000000Z`, ...more)}`)).toBe('after');
    expect(await ask(`${url}/pipelines/%00`, 'GET', operator)).toMatchObject({ status: 404 });
    for (const field of ['pipeline', 'after'])
      expect(await ask(`${url}/pipelines?${field}=%00`, 'GET', operator)).toMatchObject({ status: 200 });
  });

  describe('is described by an OpenAPI document', () => {
    let document: OpenApi;
    beforeAll(async () => {
      document = (await ask(`${url}/openapi.json`, 'GET', bearer(tokens.viewer))).body as unknown as OpenApi;
    });
    const operations = () =>
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
      );

    it('that is valid, and has every endpoint', async () => {
      expect(await new Validator().validate(structuredClone(document) as never)).toEqual({ valid: true });
      const monitor = system.apps.find(({ id }) => id === 'monitor-1');
      const described = operations().map(({ path, method }) => `${method} ${path}`);
      expect(described.sort()).toEqual(routesOf(monitor?.http.get(ModulesContainer) as ModulesContainer).sort());
    });

    it('whose roles are kept by each endpoint, and each is refused to foreign pages, and to forms', async () => {
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      ajv.addSchema(document, 'api');
      for (const { path, method, 'x-role': role, responses } of operations()) {
        const target = `${url}${path.replaceAll(/\{\w+\}/g, 'none')}`;
        const sends = method === 'GET' ? undefined : '{}';
        const asked = async (headers: Record<string, string>, body = sends): Promise<Answer> =>
          ask(target, method, headers, body);
        const operator = bearer(tokens.operator);
        const answers: Record<string, Answer> = {
          'no token': await asked({}),
          wrong: await asked(bearer('agentmq_wrong')),
          viewer: await asked(bearer(tokens.viewer)),
          submitter: await asked(bearer(tokens.submitter)),
          operator: await asked(operator),
          'foreign Origin': await asked({ ...operator, origin: 'https://evil.example' }),
          'foreign Host': await asked({ ...operator, host: 'evil.example' }),
          form: await asked({ ...operator, 'content-type': 'application/x-www-form-urlencoded' }, 'reason=x'),
          text: await asked({ ...operator, 'content-type': 'text/plain' }, '{}'),
        };
        const told = Object.entries(answers).map(([name, { status, body }]) => {
          const refusal = [401, 403, 415].includes(status) && !(role === 'none' && status === 401);
          return [name, refusal ? `${status} ${String(body['code'])}` : 'passed'];
        });
        const may = (caller: Role | undefined, otherwise: string): string =>
          role === 'none' || (caller && ROLES.indexOf(caller) >= ROLES.indexOf(role)) ? 'passed' : otherwise;
        expect({ path, method, ...Object.fromEntries(told) }).toEqual({
          path,
          method,
          'no token': may(undefined, '401 UNAUTHENTICATED'),
          wrong: may(undefined, '401 UNAUTHENTICATED'),
          viewer: may('viewer', '403 FORBIDDEN'),
          submitter: may('submitter', '403 FORBIDDEN'),
          operator: 'passed',
          'foreign Origin': '403 FOREIGN_ORIGIN',
          'foreign Host': '403 FOREIGN_HOST',
          form: '415 UNSUPPORTED_MEDIA_TYPE',
          text: '415 UNSUPPORTED_MEDIA_TYPE',
        });
        const { status, headers, body } = answers['operator'] as Answer;
        if (!String(headers['content-type']).includes('json')) continue;
        const described = String(status) in responses ? String(status) : 'default';
        const type = status < 400 ? 'application~1json' : 'application~1problem+json';
        const place = path.replaceAll('/', '~1');
        const schema = `api#/paths/${place}/${method.toLowerCase()}/responses/${described}/content/${type}/schema`;
        expect({ path, method, status, valid: ajv.validate(schema, body), errors: ajv.errors }).toMatchObject({
          valid: true,
        });
      }
    });
  });
});
