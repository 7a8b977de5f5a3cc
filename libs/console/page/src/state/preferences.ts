/** Choices of this browser: theme, how times are told, whether lists follow changes. Kept in local storage. */
import { effect, type Signal, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
export type Times = 'relative' | 'local' | 'utc';

export const theme = kept<Theme>('theme', ['system', 'light', 'dark']);
export const times = kept<Times>('times', ['relative', 'local', 'utc']);
export const density = kept<'comfortable' | 'compact'>('density', ['comfortable', 'compact']);

effect(() => {
  document.documentElement.dataset['theme'] = theme.value;
});
effect(() => {
  document.documentElement.dataset['density'] = density.value;
});

/** Which theme is shown, where it is `system` too. */
const darkSystem = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(darkSystem.matches);
darkSystem.addEventListener('change', ({ matches }) => (systemIsDark.value = matches));
export const isDark = (): boolean => (theme.value === 'system' ? systemIsDark.value : theme.value === 'dark');

/** The first is the default. A browser may forbid storage. */
function kept<Value extends string>(name: string, values: readonly [Value, ...Value[]]): Signal<Value> {
  const key = `agentmq.${name}`;
  let before: string | null = null;
  try {
    before = localStorage.getItem(key);
  } catch {
    // the default
  }
  const choice = signal(values.find((value) => value === before) ?? values[0]);
  effect(() => {
    try {
      localStorage.setItem(key, choice.value);
    } catch {
      // for this visit only
    }
  });
  return choice;
}
