import { closest, distance } from 'fastest-levenshtein';
import { quoted } from './urls.js';

/** Of a key: more is no misspelt setting, and would cost time to compare. */
const LONGEST_KEY = 100;

/** A key that may be a part of a URL is not shown: it may hold a password. */
export const shown = (place: string): string =>
  /[/@]/.test(place) ? quoted(place, true) : place.length > LONGEST_KEY ? `${place.slice(0, LONGEST_KEY)}…` : place;

/**
 * The end of an error about a key that is no setting. Compares without case and separators, so that `MESSAGE_BUS_TYPE` and `messageBus.type` find `message_bus.type`.
 */
export function suggestion(place: string, known: readonly string[]): string {
  if (place.length > LONGEST_KEY) return '';
  const letters = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const wanted = letters(place);
  const nearest = closest(wanted, known.map(letters));
  if (distance(wanted, nearest) > Math.max(wanted.length, nearest.length) / 2) return ': docs/SETTINGS.md lists them';
  return ` (did you mean ${known.find((candidate) => letters(candidate) === nearest)}?)`;
}
