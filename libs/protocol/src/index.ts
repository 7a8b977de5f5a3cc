export { boundedError, shortened } from './bounds.js';
export { ContractCatalogue } from './catalogue.js';
export {
  Contract,
  type ContractDefinition,
  contractKey,
  contractOf,
  contractOfInstance,
  type ContractOptions,
  type PayloadClass,
  type Upcaster,
} from './contract.js';
export {
  type BreakingChange,
  breakingChanges,
  changeText,
  contractsAmong,
  describeContracts,
} from './evolution/changes.js';
export type { ContractSchema, ContractsFile, Schema, SchemaType } from './evolution/schema.js';
export {
  checkPriority,
  checkShort,
  checkTtl,
  DEFAULT_PRIORITY,
  type Envelope,
  MAX_PRIORITY,
  MAX_SHORT_BYTES,
  type Message,
  newMessageId,
  type TraceContext,
  traceFor,
} from './envelope.js';
export {
  AgentMQError,
  ContractDeclarationError,
  ContractViolationError,
  DuplicateContractError,
  errorText,
  InvalidMessageError,
  NotAContractError,
  UnknownTypeError,
  type Violation,
} from './errors.js';
export { checkHeaders } from './headers.js';
export {
  checkName,
  checkTopic,
  checkTopicPattern,
  formatRecipient,
  isToMany,
  parseRecipient,
  type Recipient,
  toAgent,
  toEveryone,
  topicMatches,
  toRole,
  toTopic,
} from './recipient.js';
export { retryDelay, type RetryOptions, type RetryPolicy, retryPolicy } from './retry.js';
export { decodeBody } from './payload/decode.js';
export { readPayload, validateAs, validatePayload, writePayload, writeResult } from './validation.js';
export { contractTaking, takesVersion, versionsTaken } from './versions.js';
export {
  fromWire,
  HEADER,
  type ReadMessage,
  TASK_HEADER,
  toWire,
  type WireMessage,
  type WireProperties,
} from './wire.js';
export { fromWireError, RemoteError, toWireError, type WireError } from './wire-error.js';
export { visible, visibleJson, visibleLines } from './visible.js';
