/**
 * `<Time at={row.storedAt} />`: as the settings of the page say, by default how long ago; the exact time is its title.
 * `<Told text={row.detail} />`: a text with such times in it. `now` ticks each second while something reads it, for what counts up.
 */
import { signal } from '@preact/signals';
import { times } from '../state/preferences.js';
import { absolute, relative } from './format.js';

export const now = signal(Date.now());
setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, 1_000);

const ISO_TIME = /(\d{4}-\d\d-\d\dT[\d:.]+Z)/;

/** A text of the server's, with the times in it as the settings of the page say. */
export const Told = ({ text }: { readonly text: string }) => (
  <>{text.split(ISO_TIME).map((part) => (ISO_TIME.test(part) ? <Time key={part} at={part} /> : part))}</>
);

export function Time({ at }: { readonly at: string | undefined | null }) {
  if (!at) return <span class="faint">–</span>;
  const date = new Date(at);
  const chosen = times.value;
  return (
    <time dateTime={at} title={absolute(date, chosen === 'utc' ? 'utc' : 'local')}>
      {chosen === 'relative' ? relative(date.getTime() - now.value) : absolute(date, chosen)}
    </time>
  );
}
