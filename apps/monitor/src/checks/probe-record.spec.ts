import { describe, expect, it } from '@jest/globals';
import { ProbeRecord } from './probe-record.js';

const BEHIND_MS = 60_000;
const S = 1_000;

describe('probes of an agent', () => {
  const answered = (latencyMs: number, stalledMs?: number) =>
    ({ kind: 'answered', latencyMs, ...(stalledMs === undefined ? {} : { stalledMs }) }) as const;
  const late = (stalledMs?: number) =>
    ({ kind: 'late', waitedMs: 10 * S, ...(stalledMs === undefined ? {} : { stalledMs }) }) as const;
  const reasonAfter = (record: ProbeRecord, outcome: Parameters<ProbeRecord['note']>[0], at: number) => {
    record.note(outcome, at);
    return record.finding?.reason;
  };

  it('that are late twice in a row are not answered; one that is lost is forgiven', () => {
    const record = new ProbeRecord(BEHIND_MS);
    expect(reasonAfter(record, late(), 10 * S)).toBeUndefined();
    expect(record.known).toBe(false);
    expect(reasonAfter(record, answered(5), 20 * S)).toBeUndefined();
    expect(record.known).toBe(true);
    record.note(late(), 30 * S);
    record.interrupted();
    expect(reasonAfter(record, late(), 40 * S)).toBeUndefined();
    expect(reasonAfter(record, late(), 50 * S)).toBe('not_answering');
    expect(record.finding?.text).toBe('no probe was answered for 20.0 s');
    expect(reasonAfter(record, answered(5), 60 * S)).toBeUndefined();
  });

  it('that wait behind handlers which end, fall behind; behind ones of which none ends, they are not answered', () => {
    const busy = new ProbeRecord(BEHIND_MS);
    const hanging = new ProbeRecord(BEHIND_MS);
    for (let at = 10 * S; at <= 60 * S; at += 10 * S) {
      expect(reasonAfter(busy, late(3 * S), at)).toBeUndefined();
      expect(reasonAfter(hanging, late(at), at)).toBeUndefined();
    }
    expect(reasonAfter(busy, late(3 * S), 70 * S)).toBe('falls_behind');
    expect(reasonAfter(hanging, late(70 * S), 70 * S)).toBe('not_answering');
  });

  it('that are answered while the places of the role are all held by handlers of which none ends are not enough', () => {
    const record = new ProbeRecord(BEHIND_MS);
    expect(reasonAfter(record, answered(5, 59 * S), 0)).toBeUndefined();
    expect(reasonAfter(record, answered(5, 61 * S), 10 * S)).toBe('not_answering');
    expect(reasonAfter(record, answered(5, 2 * S), 20 * S)).toBeUndefined();
  });

  it('that were answered too late have caught up when they take half of the limit', () => {
    const record = new ProbeRecord(BEHIND_MS);
    expect(reasonAfter(record, answered(61 * S), 0)).toBe('falls_behind');
    expect(reasonAfter(record, answered(40 * S), 10 * S)).toBe('falls_behind');
    expect(reasonAfter(record, answered(29 * S), 20 * S)).toBeUndefined();
    expect(reasonAfter(record, answered(40 * S), 30 * S)).toBeUndefined();
  });
});
