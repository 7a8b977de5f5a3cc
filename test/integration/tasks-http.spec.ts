import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { type Message, newMessageId, toRole, toTopic } from 'agentmq/protocol';
import { NlpRequest } from 'agentmq/contracts';
import { Tasks } from 'agentmq/coordination';
import { until } from '../support/index.js';
import { TestSystem } from './agents.js';

const message = (fields: Partial<Message>, payload: object): Message => ({
  messageId: newMessageId(),
  sender: 'console-1',
  recipient: toRole('coordinator'),
  timestamp: new Date(),
  type: 'task_request',
  version: 1,
  priority: 5,
  attempt: 1,
  contentType: 'application/json',
  body: Buffer.from(JSON.stringify(payload)),
  ...fields,
});

describe('submitted tasks over HTTP', () => {
  const system = new TestSystem({ MESSAGE_BUS_TYPE: 'in_memory' });
  let http: INestApplication;
  let url: string;
  const ids: string[] = [];

  const ask = async (path: string, method = 'GET'): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`${url}${path}`, { method });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const idsOf = (body: unknown): string[] => (body as { tasks: { id: string }[] }).tasks.map(({ id }) => id);

  beforeAll(async () => {
    await system.store.database.migrate();
    const options = { settings: system.settings, store: system.store, hub: system.hub };
    http = await NestFactory.create(CoordinatorModule.forRoot(options), { logger: ['error', 'warn'] });
    await http.listen(0);
    url = await http.getUrl();
    const tasks = http.get(Tasks);
    for (const text of ['one', 'two', 'three'])
      ids.push(await tasks.submit(NlpRequest, { texts: [text] }, { to: { role: 'nobody' } }));
  });
  afterAll(async () => {
    await http?.close();
    await system.close();
  });

  it('are listed in pages, and read', async () => {
    const first = await ask('/tasks?state=queued&limit=2');
    expect(idsOf(first.body)).toEqual(ids.slice(0, 2));
    const second = await ask(`/tasks?state=queued&limit=2&after=${String(first.body['next'])}`);
    expect(idsOf(second.body)).toEqual(ids.slice(2));
    expect(second.body).not.toHaveProperty('next');
    expect(await ask(`/tasks/${ids[0]}`)).toMatchObject({
      status: 200,
      body: { id: ids[0], state: 'queued', destination: 'role.nobody', path: [] },
    });
    expect((await ask('/tasks/01a20000-0000-7000-8000-000000000000')).status).toBe(404);
  });

  it('a task that was sent as a message ends as its coordinator told it, whatever else claims to be its result', async () => {
    const { store } = system;
    const request = message({}, { task: 'data_analysis', payload: { csv: 'a' } });
    const taskId = request.messageId;
    const result = (sender: string, told: object): Message => {
      const fields = { sender, recipient: toTopic('tasks.result'), type: 'task_result', correlationId: taskId };
      return message(fields, { taskId, task: 'data_analysis', ...told });
    };
    const failure = { name: 'Error', code: 'NO_COLUMNS', message: 'no', retryable: false };
    await store.outbox.append([request], { owner: 'console-1' });
    const ref = { messageId: taskId, consumer: 'role.coordinator' };
    await store.deliveries.claim(
      [{ ...ref, redelivered: false, copy: '', attempts: 5, alone: false }],
      'coordinator-9',
      60_000,
    );
    await store.outbox.append([result('coordinator-9', { state: 'failed', error: failure })], {
      owner: 'coordinator-9',
    });
    await store.deliveries.fail([{ ...ref, attempt: 1, state: 'dead', error: failure }]);
    const forged = { state: 'completed', result: { forged: true } };
    // as an agent records it that receives it over the wire, and as another agent sends it
    await store.deliveries.record([result('coordinator-9', forged)]);
    await store.outbox.append([result('someone-1', forged)], { owner: 'someone-1' });
    const { body } = await ask(`/tasks/${taskId}`);
    expect(body).toMatchObject({ state: 'failed', error: { code: 'NO_COLUMNS' } });
    expect(body).not.toHaveProperty('result');
  });

  it('are cancelled', async () => {
    const [id] = ids;
    expect(await ask(`/tasks/${id}?reason=not+needed`, 'DELETE')).toMatchObject({ body: { cancelled: true } });
    await until('it is cancelled', async () => (await ask(`/tasks/${id}`)).body['state'] === 'cancelled');
    expect((await ask(`/tasks/${id}`)).body).toMatchObject({ error: { message: 'not needed' } });
    expect(await ask(`/tasks/${id}`, 'DELETE')).toMatchObject({ status: 200, body: { cancelled: false } });
    expect((await ask('/tasks/01a20000-0000-7000-8000-000000000000', 'DELETE')).status).toBe(404);
  });

  it.each(['state=odd', 'limit=0', 'after=1', 'parentId=x', 'mood=good'])('refuse %s with 400', async (query) => {
    const { status, body } = await ask(`/tasks?${query}`);
    expect(status).toBe(400);
    expect(JSON.stringify(body['message'])).toContain(query.split('=')[0]);
  });
});
