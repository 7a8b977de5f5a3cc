import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseChunk } from './parse-chunk.js';

const parse = (text: string, columns = 2, firstLine = 2) => parseChunk({ text, delimiter: ',', firstLine }, columns);

describe('parseChunk', () => {
  it('reads rows, quoted ones too, with LF and CRLF', () => {
    expect(parse('1,"a, ""b""\nc"\r\n2,d\n,')).toEqual({
      rows: [
        ['1', 'a, "b"\nc'],
        ['2', 'd'],
        ['', ''],
      ],
      rejected: { count: 0, rows: [] },
    });
  });

  it('passes over empty lines', () => {
    expect(parse('\n1,a\n\r\n\n2,b\n\n').rows).toHaveLength(2);
  });

  it('rejects ragged rows alone, with their lines in the file', () => {
    expect(parse('1,a\n\n2\n"3\n3",b\n4,c,d\n5,e\n', 2, 10)).toEqual({
      rows: [
        ['1', 'a'],
        ['3\n3', 'b'],
        ['5', 'e'],
      ],
      rejected: {
        count: 2,
        rows: [
          { line: 12, reason: 'has 1 field where the header has 2' },
          { line: 15, reason: 'has 3 fields where the header has 2' },
        ],
      },
    });
  });

  it('rejects a row with text after a closing quote alone', () => {
    expect(parse('1,"a"b\n2,c\n')).toEqual({
      rows: [['2', 'c']],
      rejected: { count: 1, rows: [{ line: 2, reason: 'text follows a closing quote' }] },
    });
  });

  it('takes a quote inside an unquoted field as it is', () => {
    expect(parse('1,5" pipe\n2,a"b"\n').rows).toEqual([
      ['1', '5" pipe'],
      ['2', 'a"b"'],
    ]);
  });

  it('counts all rejected rows, and lists the first hundred', () => {
    const { rejected } = parse('x\n'.repeat(250));
    expect(rejected.count).toBe(250);
    expect(rejected.rows).toHaveLength(100);
    expect(rejected.rows.at(-1)?.line).toBe(101);
  });

  it('never lets a bad row spoil its neighbours', () => {
    const good = fc.constantFrom('1,2', '"a\nb",c', '"",""', 'x,"y,""z"""');
    const bad = fc.constantFrom('1', '1,2,3', '"a"b,c', '1,"a"b"c"', '"a" ,b');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), good, bad), { maxLength: 20 }), (lines) => {
        const { rows, rejected } = parse(lines.map(([ok, g, b]) => `${ok ? g : b}\n`).join(''));
        expect(rows).toHaveLength(lines.filter(([ok]) => ok).length);
        expect(rejected.count).toBe(lines.filter(([ok]) => !ok).length);
      }),
    );
  });
});
