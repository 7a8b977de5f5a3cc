export { readSmallFile } from './bounded-file.js';
export type { Given, Variables } from './given.js';
export { fraction, type Kind, oneOf, parsed, seconds, secondsOrLess, text, UnreadableError, whole } from './kinds.js';
export { placesIn, readSettings, type ReadSettings, settingsIn, shownValue } from './read-settings.js';
export { type DeclaredSetting, Setting, type SettingOptions, settingsOf } from './setting.js';
export { SettingsError } from './settings-error.js';
export { redisUrlProblem, urlOrNone, urlProblem, urls } from './urls.js';
