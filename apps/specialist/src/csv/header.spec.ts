import { describe, expect, it } from '@jest/globals';
import { columnNames, detectDelimiter } from './header.js';

describe('detectDelimiter', () => {
  it.each([
    ['a,b;c,d', ','],
    ['a;b', ';'],
    ['a\tb c', '\t'],
    ['a|b|c,d', '|'],
    ['one', ','],
    ['"a;b;c",d', ','],
    ['a;b,c', ','],
  ])('of %j is %j', (header, delimiter) => {
    expect(detectDelimiter(header)).toBe(delimiter);
  });
});

describe('columnNames', () => {
  it('names empty columns by their position, and cuts blanks', () => {
    expect(columnNames('x.csv', 1, ' a ,,"b ""c"""\r\n', ',')).toEqual(['a', 'column_2', 'b "c"']);
  });

  it('refuses an empty name that clashes with a given one', () => {
    expect(() => columnNames('x.csv', 4, 'column_2,', ',')).toThrow('x.csv:4: the column name "column_2" occurs twice');
  });
});
