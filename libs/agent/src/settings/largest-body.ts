import type { AgentSettings } from './settings.js';

/** What stands around a payload in the body of a request. */
const AROUND_BYTES = 65_536;

/** The largest body of a request that brings a task or a message, in bytes: for an app's body parser. */
export const largestBody = ({ bus, tasks }: AgentSettings): number =>
  Math.max(bus.maxMessageBytes, tasks.maxBytes) + AROUND_BYTES;
