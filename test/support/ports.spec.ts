import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort, serverPorts, untilFree } from './ports.js';

describe('the ports of servers', () => {
  it('are out of the range from which the machine takes those of outgoing connections', () => {
    expect(serverPorts('32768\t60999\n')).toEqual({ first: 10_000, last: 32_767 });
    expect(serverPorts('12000\t64000\n')).toEqual({ first: 10_000, last: 11_999 });
    expect(serverPorts('1024\t65000\n')).toEqual({ first: 65_001, last: 65_535 });
    expect(serverPorts('10240\t60000')).toEqual({ first: 60_001, last: 65_535 });
  });

  it('are some all the same where nothing is left or known', () => {
    const otherwise = { first: 20_000, last: 31_999 };
    for (const range of ['1024\t65535', undefined, '', 'none']) expect(serverPorts(range)).toEqual(otherwise);
  });

  it('can be waited for', async () => {
    const port = await freePort();
    const squatter = createServer().listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    await expect(untilFree([port], 100)).rejects.toThrow(`port ${port} to be free`);
    const free = untilFree([port], 10_000);
    squatter.close();
    await free;
  });
});
