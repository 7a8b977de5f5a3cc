import { describe, expect, it } from '@jest/globals';
import { Contract } from 'agentmq/protocol';
import { definitionOf } from './definition.js';
import { InvalidPipelineError } from './errors.js';
import type { PipelineOptions, PipelineStage } from './pipeline.js';

@Contract({ type: 'parse', version: 2 })
class Parse {}
@Contract({ type: 'clean' })
class Clean {}
@Contract({ type: 'secret', sensitive: true })
class Secret {}
@Contract({ type: 'ping', durable: false })
class Ping {}
class Nothing {}

const STRATEGIES = ['least-loaded', 'round-robin'];
const parse: PipelineStage = { name: 'parse', contract: Parse, to: { role: 'reader' } };
const clean: PipelineStage = { name: 'clean', contract: Clean, to: { capability: 'clean_*' } };

const define = (stages: unknown, options: PipelineOptions = {}, name = 'intake') =>
  definitionOf(name, stages as PipelineStage[], options, STRATEGIES);
const refusal = (work: () => unknown): InvalidPipelineError => {
  try {
    work();
  } catch (error) {
    if (error instanceof InvalidPipelineError) return error;
    throw error;
  }
  throw new Error('it was accepted');
};

describe('a pipeline', () => {
  it('has each stage come after another, in a lane that feeds the next one', () => {
    const { stages, ...rest } = define(
      [
        { ...parse, concurrency: 4 },
        { ...clean, strategy: 'round-robin', attempts: 1, concurrency: 2, buffer: 8 },
        { name: 'rinse', contract: Clean },
      ],
      { maxRuns: 10 },
    );
    expect(rest).toEqual({ name: 'intake', input: Parse, maxRuns: 10 });
    expect(stages).toEqual([
      {
        name: 'parse',
        after: null,
        type: 'parse',
        version: 2,
        destination: 'role.reader',
        strategy: 'least-loaded',
        attempts: 3,
        lane: 'intake/parse',
        lane_limit: 4,
        feeds: 'intake/clean',
        feeds_limit: 8,
        hands_on_sealed: false,
      },
      {
        name: 'clean',
        after: 'parse',
        type: 'clean',
        version: 1,
        destination: 'capability.clean_*',
        strategy: 'round-robin',
        attempts: 1,
        lane: 'intake/clean',
        lane_limit: 2,
        feeds: null,
        feeds_limit: null,
        hands_on_sealed: false,
      },
      {
        name: 'rinse',
        after: 'clean',
        type: 'clean',
        version: 1,
        destination: 'capability.clean',
        strategy: 'least-loaded',
        attempts: 3,
        lane: 'intake/rinse',
        lane_limit: null,
        feeds: null,
        feeds_limit: null,
        hands_on_sealed: false,
      },
    ]);
  });

  it('has a stage seal what it returns if the next one takes nothing in clear', () => {
    const secret = { ...clean, contract: Secret };
    const { stages } = define([
      clean,
      { ...secret, name: 'one' },
      { ...secret, name: 'two' },
      { ...clean, name: 'end' },
    ]);
    expect(stages.map((stage) => stage.hands_on_sealed)).toEqual([true, true, false, false]);
  });

  it.each([
    ['stages', []],
    ['stages', Array.from({ length: 101 }, (_, n) => ({ ...parse, name: `parse-${n}` }))],
    ['stages[0].name', [{ ...parse, name: 'a/b' }]],
    ['stages[1].name', [parse, { ...clean, name: 'parse' }]],
    ['stages[1].contract', [parse, { ...clean, contract: Nothing }]],
    ['stages[0].contract', [{ ...parse, contract: Ping }]],
    ['stages[1].to', [parse, { ...clean, to: {} }]],
    ['stages[1].to', [parse, { ...clean, to: { role: 'no role' } }]],
    ['stages[0].strategy', [{ ...parse, strategy: 'by mood' }]],
    ['stages[0].attempts', [{ ...parse, attempts: 0 }]],
    ['stages[0].concurrency', [{ ...parse, concurrency: 0.5 }]],
    ['stages[1].buffer', [parse, { ...clean, buffer: 0 }]],
    ['stages[0].buffer', [{ ...parse, buffer: 1 }]],
  ])('is refused for a wrong %s, which is named', (field, stages) => {
    expect(refusal(() => define(stages)).field).toBe(field);
  });

  it('is refused for a wrong name or number of runs', () => {
    expect(refusal(() => define([parse], {}, 'in take')).field).toBe('name');
    expect(refusal(() => define([parse], { maxRuns: 0 })).field).toBe('maxRuns');
  });
});
