import { describe, expect, it } from '@jest/globals';
import { arrange, type Picture } from './layout.js';

const overlaps = ({ nodes, node: { width, height } }: Picture): string[] =>
  [...nodes].flatMap(([a, at], n) =>
    [...nodes]
      .slice(n + 1)
      .filter(([, other]) => Math.abs(at.x - other.x) < width && Math.abs(at.y - other.y) < height)
      .map(([b]) => `${a} ${b}`),
  );

const outside = ({ nodes, node, width, height }: Picture): string[] =>
  [...nodes]
    .filter(([, { x, y }]) => x < node.width / 2 || x > width - node.width / 2 || y < 0 || y > height - node.height / 2)
    .map(([id]) => id);

describe.each([true, false])('the picture of the flow, narrow: %s', (narrow) => {
  const ids = ['gateway', 'orders', 'stock', 'idle', ...Array.from({ length: 12 }, (_, n) => `idle-${n}`)];
  const lines = [
    { from: 'gateway', to: 'orders' },
    { from: 'orders', to: 'gateway' },
    { from: 'orders', to: 'stock' },
    { from: 'stock', to: 'stock' },
    { from: 'idle', to: 'idle' },
  ];

  it('has all nodes apart from each other, and a line for each that was asked for, in their order', () => {
    const picture = arrange({ ids, lines, narrow });
    expect([...picture.nodes.keys()].sort()).toEqual([...ids].sort());
    expect({ overlaps: overlaps(picture), outside: outside(picture) }).toEqual({ overlaps: [], outside: [] });
    expect(picture.lines.map(({ from, to }) => ({ from, to }))).toEqual(lines);
    for (const { path } of picture.lines) expect(path).toMatch(/^M[\d. -]+C[\d. C-]+$/);
  });

  it('is there without any line, and without any node', () => {
    expect(overlaps(arrange({ ids, lines: [], narrow }))).toEqual([]);
    expect(arrange({ ids: [], lines: [], narrow }).nodes.size).toBe(0);
  });
});
