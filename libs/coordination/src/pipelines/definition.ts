import {
  checkName,
  type ContractDefinition,
  contractOf,
  errorText,
  InvalidMessageError,
  type PayloadClass,
} from 'agentmq/protocol';
import { DEFAULT_STRATEGY } from '../distribution/balancing/strategies.js';
import { checkWhole, DEFAULT_ATTEMPTS, formatDestination, MAX_ATTEMPTS } from '../tasks/draft.js';
import { InvalidTaskError } from '../tasks/errors.js';
import type { StageDraft } from '../tasks/store/stages.js';
import { InvalidPipelineError } from './errors.js';
import type { PipelineOptions, PipelineStage } from './pipeline.js';

const MAX_STAGES = 100;
const MOST = 100_000;

/** A pipeline, checked. */
export interface PipelineDefinition {
  readonly name: string;
  readonly input: PayloadClass;
  /** In their order. */
  readonly stages: readonly StageDraft[];
  readonly maxRuns?: number;
}

/** Throws {@link InvalidPipelineError} naming the field. */
export function definitionOf(
  name: string,
  stages: readonly PipelineStage[],
  { maxRuns }: PipelineOptions,
  strategies: readonly string[],
): PipelineDefinition {
  checked('name', () => checkName('name', name));
  const [first] = stages;
  if (!first || stages.length > MAX_STAGES)
    throw new InvalidPipelineError('stages', `are ${stages.length}, not 1 to ${MAX_STAGES}`);
  if (maxRuns !== undefined) checked('maxRuns', () => checkWhole('maxRuns', maxRuns, MOST));
  const drafts = stages.map((stage, place) => draftOf(name, stages, stage, place, strategies));
  return { name, input: first.contract, stages: drafts, ...(maxRuns === undefined ? {} : { maxRuns }) };
}

function draftOf(
  pipeline: string,
  stages: readonly PipelineStage[],
  { name, contract, to, strategy = DEFAULT_STRATEGY, attempts = DEFAULT_ATTEMPTS, concurrency, buffer }: PipelineStage,
  place: number,
  strategies: readonly string[],
): StageDraft {
  const field = (of: string): string => `stages[${place}].${of}`;
  const refuse = (of: string, problem: string): never => {
    throw new InvalidPipelineError(field(of), problem);
  };
  checked(field('name'), () => checkName('name', name));
  if (stages.findIndex((stage) => stage.name === name) < place) refuse('name', `"${name}" is there twice`);
  const { type, version } = durable(field('contract'), contract);
  if (!strategies.includes(strategy)) refuse('strategy', `"${strategy}" is not one of ${strategies.join(', ')}`);
  checked(field('attempts'), () => checkWhole('attempts', attempts, MAX_ATTEMPTS));
  for (const [of, value] of Object.entries({ concurrency, buffer }))
    if (value !== undefined) checked(field(of), () => checkWhole(of, value, MOST));
  if (place === 0 && buffer !== undefined)
    refuse('buffer', 'is not for the first stage: maxRuns limits what waits there');
  const next = stages[place + 1];
  return {
    name,
    after: stages[place - 1]?.name ?? null,
    type,
    version,
    destination: checked(field('to'), () => formatDestination(to ?? { capability: type })),
    strategy,
    attempts,
    lane: laneOf(pipeline, name),
    lane_limit: concurrency ?? null,
    feeds: next?.buffer === undefined ? null : laneOf(pipeline, next.name),
    feeds_limit: next?.buffer ?? null,
    hands_on_sealed: next !== undefined && durable(`stages[${place + 1}].contract`, next.contract).sensitive,
  };
}

/** `/` is in no name. */
const laneOf = (pipeline: string, stage: string): string => `${pipeline}/${stage}`;

function durable(field: string, contract: PayloadClass): ContractDefinition {
  let found: ContractDefinition;
  try {
    found = contractOf(contract);
  } catch (error) {
    throw new InvalidPipelineError(field, errorText(error));
  }
  if (found.durable === false) throw new InvalidPipelineError(field, `${found.type} is not durable`);
  return found;
}

function checked<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof InvalidMessageError || error instanceof InvalidTaskError)
      throw new InvalidPipelineError(field, error.problem);
    throw error;
  }
}
