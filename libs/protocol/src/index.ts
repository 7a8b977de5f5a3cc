export { boundedError, shortened } from './bounds.js';
export { ContractCatalogue } from './contract/catalogue.js';
export { keysOf, type MessageKeys } from './contract/keys.js';
export {
  Contract,
  type ContractDefinition,
  contractKey,
  contractOf,
  contractOfInstance,
  type ContractOptions,
  type PayloadClass,
  type Upcaster,
} from './contract/contract.js';
export {
  type BreakingChange,
  breakingChanges,
  changeText,
  contractsAmong,
  describeContracts,
} from './evolution/changes.js';
export { type DescribedContract, PayloadSchema } from './evolution/payload-schema.js';
export { describePayload } from './evolution/describe.js';
export type { ContractSchema, ContractsFile, Schema, SchemaType } from './evolution/schema.js';
export {
  checkPriority,
  checkShort,
  checkTtl,
  DEFAULT_PRIORITY,
  type Envelope,
  MAX_PRIORITY,
  MAX_SHORT_BYTES,
  MAX_TTL_MS,
  type Message,
  type TraceContext,
  traceFor,
} from './envelope/envelope.js';
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
export { optionalPackage, PackageMissingError } from './optional-package.js';
export { checkHeaders } from './envelope/headers.js';
export { newMessageId, newTraceId, randomDigits } from './envelope/ids.js';
export {
  CONSUMER_NAME,
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
} from './envelope/recipient.js';
export { retryDelay, type RetryOptions, type RetryPolicy, retryPolicy } from './contract/retry.js';
export { decodeBody } from './payload/decode.js';
export {
  readPayload,
  validateAs,
  validatePayload,
  writeKeyed,
  writePayload,
  writeResult,
} from './payload/validation.js';
export { contractTaking, takesVersion, versionsTaken } from './contract/versions.js';
export {
  fromWire,
  HEADER,
  type ReadMessage,
  toWire,
  traceOf,
  type WireMessage,
  type WireProperties,
} from './wire/wire.js';
export { fromWireError, RemoteError, toWireError, type WireError } from './wire/wire-error.js';
export { visible, visibleJson, visibleLines } from './visible.js';
