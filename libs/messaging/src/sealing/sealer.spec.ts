import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CompactEncrypt } from 'jose';
import { KeyRing } from './key-ring.js';
import { Sealer } from './sealer.js';
import { SealingKeys } from './sealing-keys.js';

const key = (kid: string) => ({ kid, secret: createSecretKey(randomBytes(32)) });
const [first, second] = [key('first'), key('second')];
const sealer = (...keys: (typeof first)[]) => new Sealer(new KeyRing({ keys }));
const plain = Buffer.from(JSON.stringify({ diagnosis: 'flu' }));
const bound = { id: 'm-1', type: 'diagnosis', version: 1, to: 'role.doctor' };
const TAMPERED = expect.objectContaining({ code: 'SEALED_TAMPERED', retryable: false });

describe('Sealer', () => {
  it('opens what it has sealed, which shows nothing of it', async () => {
    const sealed = await sealer(first).seal(plain, bound);

    expect(sealed.toString('latin1')).not.toContain(plain.toString('base64url').slice(0, 8));
    await expect(sealer(first).open(sealed, bound)).resolves.toEqual(plain);
  });

  it('seals with the newest key and opens with any', async () => {
    const old = await sealer(first).seal(plain, bound);
    const rotated = sealer(second, first);

    await expect(rotated.open(old, bound)).resolves.toEqual(plain);
    const header: unknown = JSON.parse(
      Buffer.from((await rotated.seal(plain, bound)).toString('latin1').split('.')[0] ?? '', 'base64url').toString(),
    );
    expect(header).toMatchObject({ kid: 'second', alg: 'A256KW', enc: 'A256GCM' });
  });

  it('opens nothing of which any byte was changed', async () => {
    const { open, seal } = { open: sealer(first), seal: sealer(first) };
    const sealed = await seal.seal(plain, bound);
    const opened: number[] = [];
    for (let at = 0; at < sealed.length; at++) {
      // The next letter may stand for the same bits; two are not of the alphabet.
      for (const other of [(sealed[at] ?? 0) + 1, (sealed[at] ?? 0) ^ 1, 0x2b, 0x0a]) {
        const changed = Buffer.from(sealed);
        if (changed[at] === other) continue;
        changed[at] = other;
        const problem: unknown = await open.open(changed, bound).then(
          () => 'opened',
          (error: { code?: unknown }) => error.code,
        );
        // a changed id of the key is that of another key
        if (problem !== 'SEALED_TAMPERED' && problem !== 'SEALED_UNKNOWN_KEY') opened.push(at);
      }
    }
    expect(opened).toEqual([]);
  });

  it.each(['', '.', '....', 'a.b.c.d.e', '{}', 'e30.e30.e30.e30.e30', '.'.repeat(1_000_000)])(
    'refuses what is no JWE: %.20s',
    async (text) => {
      await expect(sealer(first).open(Buffer.from(text), bound)).rejects.toEqual(TAMPERED);
    },
  );

  it.each(Object.keys(bound))('opens nothing whose %s was changed', async (name) => {
    const sealed = await sealer(first).seal(plain, bound);
    await expect(sealer(first).open(sealed, { ...bound, [name]: 'other' })).rejects.toEqual(
      expect.objectContaining({ code: 'SEALED_TAMPERED', message: expect.stringContaining(name) }),
    );
    const { [name as 'id']: _, ...fewer } = bound;
    await expect(sealer(first).open(sealed, fewer)).rejects.toEqual(TAMPERED);
    await expect(sealer(first).open(sealed, { ...bound, more: 1 })).rejects.toEqual(TAMPERED);
  });

  it('names a key that it does not have, which may still come', async () => {
    const sealed = await sealer(second).seal(plain, bound);
    await expect(sealer(first).open(sealed, bound)).rejects.toEqual(
      expect.objectContaining({ code: 'SEALED_UNKNOWN_KEY', retryable: true, kid: 'second' }),
    );
  });

  it('refuses another key under the same id', async () => {
    const sealed = await sealer(key('first')).seal(plain, bound);
    await expect(sealer(first).open(sealed, bound)).rejects.toEqual(TAMPERED);
  });

  it.each([
    { alg: 'dir', enc: 'A256GCM' },
    { alg: 'A256GCMKW', enc: 'A256GCM' },
    { alg: 'PBES2-HS256+A128KW', enc: 'A256GCM' },
    { alg: 'A256KW', enc: 'A128CBC-HS256' },
    { alg: 'A256KW', enc: 'A256GCM', zip: 'DEF' },
  ])('takes no other algorithms, and nothing compressed: %j', async (algorithms) => {
    const text = await new CompactEncrypt(plain)
      .setProtectedHeader({ ...algorithms, kid: 'first', agentmq: bound })
      .encrypt(new Uint8Array(first.secret.export()));
    await expect(sealer(first).open(Buffer.from(text), bound)).rejects.toEqual(TAMPERED);
  });

  it('opens by the name that a key has at a service, and asks for no longer one', async () => {
    const asked: string[] = [];
    const sealing = { kid: `arn:aws:kms:eu-central-1:123456789012:key/${randomUUID()}`, key: first.secret };
    class Service extends SealingKeys {
      override newest = () => Promise.resolve(sealing);
      override find = (kid: string) => {
        asked.push(kid);
        return Promise.resolve(kid === sealing.kid ? sealing : undefined);
      };
    }
    const service = new Sealer(new Service());
    await expect(service.open(await service.seal(plain, bound), bound)).resolves.toEqual(plain);

    const long = await new CompactEncrypt(plain)
      .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', kid: 'k'.repeat(1_000), agentmq: bound })
      .encrypt(first.secret);
    await expect(service.open(Buffer.from(long), bound)).rejects.toMatchObject({ code: 'SEALED_UNKNOWN_KEY' });
    expect(asked).toEqual([sealing.kid]);
    sealing.kid = 'k'.repeat(1_000);
    await expect(service.seal(plain, bound)).rejects.toMatchObject({ field: 'kid' });
  });

  it('seals nothing without a key', async () => {
    await expect(sealer().seal(plain, bound)).rejects.toMatchObject({ code: 'NO_SEALING_KEYS' });
  });
});
