/**
 * For a Node process that has the embedded database, which is WebAssembly, for seconds: V8 compiles it without optimising. It
 * would take longer to optimise than to run: a third of the CPU time of `agentmq run`, a tenth of that of the store's suite.
 */
export const BRIEF_WASM = '--liftoff-only';
