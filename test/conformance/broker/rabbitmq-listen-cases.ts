import { expect, it } from '@jest/globals';
import { message, textOf, topic } from 'agentmq/testing/conformance';
import { amqpUrl, randomNamespace, until } from '../../support/index.js';
import type { RabbitMqHarness } from './rabbitmq-harness.js';

/** They do not depend on the type of the inboxes' queues. */
export function rabbitMqListenCases(harness: RabbitMqHarness): void {
  it('keeps nothing for a listener that is away', async () => {
    const proxy = await harness.proxy(amqpUrl());
    const away = await harness.open(proxy.through(amqpUrl()));
    const sender = await harness.open(amqpUrl());
    const name = randomNamespace('topic');
    const heard: string[] = [];
    await away.listen([name], (incoming) => void heard.push(textOf(incoming)));
    proxy.refuse();
    proxy.cut();
    await until('the loss', () => !away.status().connected);
    await sender.publish(message(topic(name), 'missed'));
    await proxy.accept();
    await until('its return', () => away.status().connected);
    await sender.publish(message(topic(name), 'heard'));
    await until('the second', () => heard.length > 0);
    expect(heard).toEqual(['heard']);
  });

  it('hears when the broker that was away at the start comes up', async () => {
    const proxy = await harness.proxy(amqpUrl());
    proxy.refuse();
    const broker = await harness.open(proxy.through(amqpUrl()), { start: 'degraded' });
    const name = randomNamespace('topic');
    const heard: string[] = [];
    await broker.listen([name], (incoming) => void heard.push(textOf(incoming)));
    await proxy.accept();
    await until('the connection', () => broker.status().connected);
    await broker.publish(message(topic(name), 'x'));
    await until('the message', () => heard.length === 1);
  });

  it('listens over one exclusive, bounded classic queue, and over another when that is deleted', async () => {
    const node = await harness.node();
    const broker = await harness.open(node.url);
    const name = randomNamespace('topic');
    const heard: string[] = [];
    await broker.listen([name], (incoming) => void heard.push(textOf(incoming)));
    const columns = ['name', 'exclusive', 'auto_delete', 'durable', 'type', 'arguments'];
    const queues = await node.ctl('list_queues', '--no-table-headers', ...columns);
    const [queue = '', ...others] = queues
      .split('\n')
      .filter((line) => line.startsWith(`${harness.namespace}.listen.`));
    expect(others).toEqual([]);
    expect(queue).toMatch(/\ttrue\ttrue\tfalse\t(rabbit_)?classic/);
    expect(queue).toMatch(/x-max-length.*10000/);
    expect(queue).toMatch(/x-overflow.*drop-head/);
    await node.ctl('delete_queue', queue.split('\t')[0] ?? '');
    await until('it hears again', async () => {
      await broker.publish(message(topic(name), 'x'));
      return heard.length > 0;
    });
  }, 60_000);
}
