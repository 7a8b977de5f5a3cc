export { defaultInput } from './protocols/default-input.js';
export { protocolNames, runProtocol } from './protocols/run-protocol.js';
