/** A contender's line of the plot: one bar for each version of Node in each panel. */
export interface Line {
  readonly label: string;
  readonly isOurs: boolean;
  /** By panel, then by version. */
  readonly values: readonly (readonly number[])[];
}

export interface Plot {
  readonly panels: readonly string[];
  readonly versions: readonly string[];
  readonly groups: readonly { readonly title: string; readonly lines: readonly Line[] }[];
}

const LABELS = 270;
const PANEL = 340;
/** Of a panel, the rest is for the number beside the longest bar. */
const BARS = 0.8;
const BAR = 10;
const GAP = 8;
const HEADING = 34;
const TOP = 56;
const WIDTH = LABELS + 2 * PANEL + 20;
/** For older and newer versions; of ours, and of others. */
const COLOURS = { ours: ['#8fb8e8', '#1f6fc4'], others: ['#c9ccd1', '#83888f'] };

/** Horizontal bars, with their numbers beside them: no axis is needed to read them. */
export function svgOf({ panels, versions, groups }: Plot): string {
  const most = panels.map((_, panel) =>
    Math.max(...groups.flatMap(({ lines }) => lines.flatMap(({ values }) => values[panel] ?? []))),
  );
  const lineHeight = versions.length * BAR + GAP;
  const parts: string[] = [];
  let y = TOP;
  for (const { title, lines } of groups) {
    parts.push(text(16, y + 22, title, 'class="group"'));
    y += HEADING;
    for (const { label, isOurs, values } of lines) {
      const middle = y + (versions.length * BAR) / 2 + 4;
      parts.push(text(LABELS - 10, middle, label, `text-anchor="end"${isOurs ? ' class="ours"' : ''}`));
      for (const [panel, ofPanel] of values.entries())
        for (const [version, value] of ofPanel.entries()) {
          const left = LABELS + panel * PANEL;
          const width = Math.max(1, (value / (most[panel] ?? 1)) * PANEL * BARS);
          const top = y + version * BAR;
          const colour = colourOf(isOurs, version, versions.length);
          parts.push(`<rect x="${left}" y="${top}" width="${width.toFixed(1)}" height="${BAR - 1}" fill="${colour}"/>`);
          parts.push(text(left + width + 4, top + BAR - 2, Math.round(value).toLocaleString('en'), 'class="value"'));
        }
      y += lineHeight;
    }
  }
  const headings = panels.map((title, panel) => text(LABELS + panel * PANEL, 30, title, 'class="panel"'));
  const legend = versions.flatMap((version, n) => [
    `<rect x="${16 + n * 90}" y="20" width="12" height="12" fill="${colourOf(true, n, versions.length)}"/>`,
    text(33 + n * 90, 30, version, ''),
  ]);
  const height = y + 12;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#24292f}.group,.panel{font-weight:600}.group{font-size:13px}.ours{font-weight:600;fill:#1f6fc4}.value{font-size:10px;fill:#57606a}</style>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...legend,
    ...headings,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

const colourOf = (isOurs: boolean, version: number, versions: number): string =>
  COLOURS[isOurs ? 'ours' : 'others'][versions === 1 ? 1 : version] ?? '#000000';

const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
