import { describe, expect, it } from '@jest/globals';
import { explained, refusedOpening } from './explained.js';

describe('errors of the broker', () => {
  it('tell what an operator can do about a node that fails at dead-lettering', () => {
    for (const error of [
      Object.assign(new Error('Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR"'), { code: 541 }),
      new Error(
        `404 (NOT-FOUND) with message "NOT_FOUND - failed to perform operation on queue 'q' in vhost '/' due to timeout"`,
      ),
    ]) {
      expect(explained(error).message).toMatch(/^.*x-death header.*"A node that dead-letters no more"/);
      expect(explained(error).cause).toBe(error);
    }
    const other = new Error('connect ECONNREFUSED');
    expect(explained(other)).toBe(other);
  });

  it('name the virtual host that was not opened, and never the password', () => {
    const refusal = new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>');
    const told = refusedOpening(refusal, new URL('amqp://me:secret@host/no%2Fpe')).message;
    expect(told).toMatch(/^the broker does not open the virtual host "no\/pe" for the user "me": /);
    expect(told).toMatch(/limit of connections/);
    expect(told).not.toMatch(/secret/);
    expect(refusedOpening(refusal, new URL('amqp://host')).message).toMatch(/"\/" for the user "guest"/);
    const other = new Error('connect ECONNREFUSED');
    expect(refusedOpening(other, new URL('amqp://host'))).toBe(other);
  });
});
