export { MonitorModule, type MonitorOptions } from './monitor.module.js';
export { deadRef, deadRefs } from './operations/dead-refs.js';
export { MessageNotFoundError } from './operations/errors.js';
export { knownContracts } from './operations/known-contracts.js';
export {
  type DeadLetterRow,
  deadLetterRows,
  type DeliveryView,
  type MessageView,
  messageView,
} from './operations/views.js';
