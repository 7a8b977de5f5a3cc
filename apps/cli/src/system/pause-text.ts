import type { Pause } from 'agentmq/operations';
import { age } from '../output/index.js';

/** What it is, in one word. */
export const pauseWord = ({ drain, drained }: Pause): string => (drained ? 'drained' : drain ? 'draining' : 'paused');

/** `draining since 3 min, by ann: a new disk`. */
export const pauseText = (pause: Pause): string =>
  `${pauseWord(pause)}, since ${age(pause.since)}, by ${pause.by}: ${pause.reason}`;
