import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';
import { TcpProxy } from './tcp-proxy.js';
import { until } from './wait.js';

describe('TcpProxy', () => {
  let echo: Server;
  let proxy: TcpProxy;
  const clients: Socket[] = [];

  beforeEach(async () => {
    const port = await freePort();
    echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    await new Promise<void>((resolve) => echo.listen(port, '127.0.0.1', resolve));
    proxy = await TcpProxy.listen({ host: '127.0.0.1', port });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.close();
    await new Promise((resolve) => echo.close(resolve));
  });

  /** A client whose `received` is all that came back to it. */
  const open = async (): Promise<Socket & { received: string }> => {
    const client = Object.assign(connect(proxy.port, '127.0.0.1'), { received: '' });
    clients.push(client);
    client.on('data', (data) => (client.received += data.toString()));
    await once(client, 'connect');
    return client;
  };

  it('passes bytes on in both directions', async () => {
    const client = await open();
    client.write('hello');
    await until('the echo', () => client.received === 'hello');
    expect(proxy.through('amqp://guest:guest@localhost:5672/v')).toBe(`amqp://guest:guest@127.0.0.1:${proxy.port}/v`);
  });

  it('cuts what is open, and accepts anew', async () => {
    const client = await open();
    client.write('before');
    await until('the echo', () => client.received === 'before');
    const closed = once(client, 'close');
    proxy.cut();
    await closed;
    const another = await open();
    another.write('after');
    await until('the echo', () => another.received === 'after');
  });

  it('refuses new connections until it accepts again, and leaves the open ones', async () => {
    const client = await open();
    client.write('a');
    await until('the echo', () => client.received === 'a');
    proxy.refuse();
    await expect(open()).rejects.toThrow('ECONNREFUSED');
    client.write('b');
    await until('the echo', () => client.received === 'ab');
    await proxy.accept();
    await open();
  });

  it('holds everything back while frozen, new connections too, and loses nothing of it', async () => {
    const client = await open();
    client.write('a');
    await until('the echo', () => client.received === 'a');
    proxy.freeze();
    client.write('b');
    const another = await open();
    another.write('c');
    await until('the proxy to hold both', () => proxy.connections === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([client.received, another.received]).toEqual(['a', '']);
    proxy.thaw();
    await until('what was held back', () => client.received === 'ab' && another.received === 'c');
  });
});
