import { decimal } from '../compare/table.js';
import type { Column } from './results.js';

/** A line of the page's first table: what is asked, and the answer from what was measured, if it was. */
export interface Question {
  readonly asked: string;
  answer(column: Column): string | undefined;
}

const ratio = (asked: string, name: string): Question => ({
  asked,
  answer: ({ ratios }) => (ratios[name] === undefined ? undefined : decimal(ratios[name], 2)),
});

const value = (
  asked: string,
  unit: string,
  digits: number,
  of: (measures: Column['measures']) => number | undefined,
): Question => ({
  asked,
  answer({ measures }) {
    const found = of(measures);
    return found === undefined ? undefined : `${decimal(found, digits)}${unit && ` ${unit}`}`;
  },
});

export const questions: readonly Question[] = [
  value('durable messages a second', '', 0, ({ one_process }) => one_process?.['durable']?.rate.median),
  ratio('durable ÷ amqplib by hand, which stores nothing', 'durable_over_raw'),
  ratio("durable ÷ Nest's RMQ transport, which stores nothing", 'durable_over_nest_rmq'),
  ratio('durable ÷ golevelup, which stores nothing', 'durable_over_golevelup'),
  ratio('durable ÷ pg-boss', 'durable_over_pg_boss'),
  ratio('durable ÷ graphile-worker', 'durable_over_graphile_worker'),
  ratio(
    'durable ÷ graphile-worker with its local queue and batched completion',
    'durable_over_graphile_worker_batched',
  ),
  ratio('durable ÷ BullMQ', 'durable_over_bullmq'),
  value('CPU of a durable message, both ends', 'µs', 0, ({ one_process }) => one_process?.['durable']?.cpu.median),
  ratio('CPU of a durable message ÷ amqplib by hand', 'durable_cpu_over_raw'),
  value('transient messages a second', '', 0, ({ one_process }) => one_process?.['transient']?.rate.median),
  ratio('transient ÷ amqplib by hand', 'transient_over_raw'),
  ratio('transient ÷ golevelup', 'transient_over_golevelup'),
  ratio('CPU of a transient message ÷ amqplib by hand', 'transient_cpu_over_raw'),
  ratio('a transient request alone, p50 ÷ by hand with direct reply-to', 'request_p50_over_raw'),
  ratio('a durable request alone, p50 ÷ by hand', 'durable_request_p50_over_raw'),
  ratio('64 transient requests at once, answers a second ÷ by hand', 'request_64_over_raw'),
  ratio('64 durable requests at once, answers a second ÷ by hand', 'durable_request_64_over_raw'),
  value(
    'p99 of a durable message at half the top rate',
    'ms',
    1,
    ({ latency }) => latency?.one_process['durable']?.p99,
  ),
  value(
    'the same, sender and receiver in processes of their own',
    'ms',
    1,
    ({ latency }) => latency?.two_processes['durable']?.p99,
  ),
  ratio('8 workers with a handler of 10 ms ÷ 1 worker', 'eight_workers_over_one'),
  ratio('durable with 10,000,000 settled messages ÷ with none', 'history_over_none'),
  value(
    'resident memory after 1,000,000 durable messages − after 100,000',
    'MB',
    0,
    ({ memory }) => memory?.['durable']?.differenceMb,
  ),
  value(
    'resident memory after 1,000,000 transient messages − after 100,000',
    'MB',
    0,
    ({ memory }) => memory?.['transient']?.differenceMb,
  ),
  value('database transactions a second of four idle apps', '', 1, ({ idle }) => idle?.transactionsPerSecond),
  value('CPU of a worker until it is ready', 's', 2, ({ start }) => start?.cpuSeconds.median),
  value('resident memory of an idle worker', 'MB', 0, ({ start }) => start?.idleResidentMb.median),
];
