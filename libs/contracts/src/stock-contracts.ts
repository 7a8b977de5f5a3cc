import type { PayloadClass } from 'agentmq/protocol';
import { DataAnalysis, ParseChunk } from './analysis.js';
import { NlpRequest } from './nlp.js';
import { TaskRequest, TaskResult } from './tasks.js';

/** The contracts of what the stock apps send each other. */
export const stockContracts: readonly PayloadClass[] = [DataAnalysis, NlpRequest, ParseChunk, TaskRequest, TaskResult];
