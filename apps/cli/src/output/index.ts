export { painted, stateStyle, type Style, troubleStyle } from './colours.js';
export {
  type Fields,
  note,
  print,
  printFields,
  printHeading,
  printJson,
  printLines,
  printPage,
  printTable,
  type TableView,
  terminalWidth,
} from './print.js';
export { fit, table, type TableColumn, wrap } from './table.js';
export { age, ageOf, between, count, duration, errorLine, perSecond, some } from './words.js';
