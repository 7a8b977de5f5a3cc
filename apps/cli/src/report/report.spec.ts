import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AnalysisSummary } from 'agentmq/contracts';
import { buildReport } from './report.js';
import { writeReport } from './write-report.js';

const summary = Object.assign(new AnalysisSummary(), {
  rows: 3,
  columns: [
    { name: 'n', type: 'number', count: 2, missing: 1, min: 1, max: 3, mean: 2, stddev: Math.SQRT2 },
    { name: '__proto__', type: 'text', count: 3, missing: 0, distinct: 2, top: [['x', 2], ['y', 1]] }, // prettier-ignore
  ],
  keywords: [{ word: 'x', count: 2 }],
  sentiment: { score: 0.5, positive: 2, neutral: 1, negative: 0 },
  analysed: 2,
  rejected: { count: 1, rows: [{ line: 3, reason: 'bad' }] },
} satisfies AnalysisSummary);
const facts = { input: 'x.csv', agents: 4, messages: { sent: 7, received: 8 }, durationMs: 12.6 };
const report = buildReport(facts, summary);

describe('buildReport', () => {
  it('is the content of report.json', () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(
      JSON.parse(`{
        "input": "x.csv", "rows": 3, "agents": 4,
        "columns": {
          "n": { "type": "number", "count": 2, "missing": 1, "min": 1, "max": 3, "mean": 2, "stddev": 1.4142135623730951 },
          "__proto__": { "type": "text", "count": 3, "missing": 0, "distinct": 2, "top": [["x", 2], ["y", 1]] }
        },
        "keywords": [{ "word": "x", "count": 2 }],
        "sentiment": { "score": 0.5, "positive": 2, "neutral": 1, "negative": 0, "analysed": 2 },
        "rejected": { "count": 1, "rows": [{ "line": 3, "reason": "bad" }] },
        "messages": { "sent": 7, "received": 8 }, "durationMs": 13
      }`),
    );
    expect(Object.keys(report.columns)).toEqual(['n', '__proto__']);
  });

  it('has no sentiment where there is none', () => {
    expect(buildReport(facts, Object.assign(new AnalysisSummary(), summary, { sentiment: null })).sentiment).toBeNull();
  });
});

describe('writeReport', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentmq-report-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('replaces what was there, through a link too, and leaves no draft', async () => {
    const path = join(folder, 'report.json');
    const link = join(folder, 'link.json');
    await writeFile(path, 'old');
    await symlink(path, link);
    await writeReport(link, report);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(JSON.parse(JSON.stringify(report)));
    expect((await readdir(folder)).toSorted()).toEqual(['link.json', 'report.json']);
  });

  it('writes to a device as it is', async () => {
    await writeReport('/dev/null', report);
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('rejects where nothing can be written', async () => {
    await expect(writeReport(join(folder, 'none', 'report.json'), report)).rejects.toThrow(
      /report\.json: can't be written there: there is no such folder$/,
    );
    await expect(writeReport(folder, report)).rejects.toThrow(/: can't be written there: it is a folder$/);
  });
});
