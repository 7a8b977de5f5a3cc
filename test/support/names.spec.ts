import { describe, expect, it } from '@jest/globals';
import { randomNamespace } from './names.js';
import { freePort } from './ports.js';

describe('names and ports of a test of its own', () => {
  it('makes a namespace valid for Postgres and RabbitMQ, another each time', () => {
    expect(randomNamespace('retry')).toMatch(/^retry_[0-9a-f]{12}$/);
    expect(randomNamespace()).not.toBe(randomNamespace());
    expect(() => randomNamespace('No-Good')).toThrow('not usable');
  });

  it('gives each port once', async () => {
    const ports = await Promise.all(Array.from({ length: 50 }, freePort));
    expect(new Set(ports).size).toBe(50);
  });
});
