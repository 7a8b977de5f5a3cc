export { readSmallFile } from './bounded-file.js';
export type { Given, Variables } from './given.js';
export {
  fraction,
  type Kind,
  kindOf,
  oneOf,
  parsed,
  seconds,
  secondsOrLess,
  text,
  UnreadableError,
  whole,
} from './kinds.js';
export type { GivenOptions } from './read-options.js';
export {
  type OwnedSetting,
  placesIn,
  readSettings,
  type ReadSettings,
  settingsIn,
  shownValue,
  type Sources,
} from './read-settings.js';
export { type DeclaredSetting, Setting, type SettingOptions, settingsOf } from './setting.js';
export { SettingsError } from './settings-error.js';
export { shown } from './suggestion.js';
export { redisUrlProblem, shownPath, urlOrNone, urlProblem, urls } from './urls.js';
