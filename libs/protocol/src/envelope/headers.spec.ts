import { describe, expect, it } from '@jest/globals';
import { InvalidMessageError } from '../errors.js';
import { checkHeaders } from './headers.js';

const cyclic: Record<string, unknown> = {};
cyclic['self'] = { list: [cyclic] };
const nested = (levels: number): unknown => (levels === 0 ? 1 : { in: nested(levels - 1) });

describe('headers', () => {
  it('are what AMQP can carry', () => {
    checkHeaders({});
    checkHeaders({ h: '€'.repeat(10_000) });
    checkHeaders({ h: 'x'.repeat(32_000) });
    checkHeaders({ text: 'é', none: null, left: undefined, yes: true, list: [1, 'a', null, { deep: [false] }] });
    checkHeaders({ numbers: [0, -0, 1.5, -1, 2 ** 40, Number.MAX_VALUE, 2 ** 63], bytes: Buffer.from([1]) });
    checkHeaders({ when: { '!': 'timestamp', value: 1_700_000_000 }, f: { '!': 'float', value: 1.5 } });
    checkHeaders({
      money: { '!': 'decimal', value: { places: 2, digits: 314 } },
      big: { '!': 'int64', value: 2 ** 40 },
    });
    checkHeaders({ table: Object.assign(Object.create(null), { a: 1 }), deep: nested(20), ['k'.repeat(255)]: 1 });
  });

  it.each([
    ['headers.h', { h: Infinity }],
    ['headers.h', { h: NaN }],
    ['headers.h.0', { h: [-Infinity] }],
    ['headers.h.in', { h: { in: 10n } }],
    ['headers.h', { h: () => undefined }],
    ['headers.h', { h: Symbol('s') }],
    ['headers.h.0', { h: [undefined] }],
    ['headers.h', { h: new Date(0) }],
    ['headers.h', { h: new Map() }],
    ['headers.h', { h: new Uint8Array(1) }],
    ['headers.h', { h: -(2 ** 64) }],
    ['headers.h', { h: { '!': 'nonsense', value: 1 } }],
    ['headers.h', { h: { '!': 'int8', value: 1_000 } }],
    ['headers.h', { h: { '!': 'double', value: NaN } }],
    ['headers.h', { h: { '!': 'float', value: 1e300 } }],
    ['headers.h', { h: { '!': 'decimal', value: null } }],
    ['headers', { ['k'.repeat(256)]: 1 }],
    ['headers', { h: 'x'.repeat(40_000) }],
    ['headers', { h: '€'.repeat(11_000) }],
    ['headers', new Map() as unknown as Record<string, unknown>],
  ])('name %s that it can’t carry', (field, headers: Record<string, unknown>) => {
    expect(() => checkHeaders(headers)).toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE', field }));
  });

  it('do not nest without end', () => {
    expect(() => checkHeaders(cyclic)).toThrow(InvalidMessageError);
    expect(() => checkHeaders({ h: nested(40) })).toThrow(/nested deeper than 32 levels/);
  });
});
