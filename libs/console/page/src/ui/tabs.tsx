/**
 * Which of a few pictures of one thing is shown, kept in the address as `?tab=`:
 *
 *     const tab = useTab(tabs);
 *     <Tabs of={tabs} label="Picture" current={tab} />
 */
import { location, setQuery } from '../state/router.js';

type Tab = readonly [name: string, label: string];

/** The name of the one that the address has; the first unless it has one. */
export function useTab<Names extends readonly Tab[]>(tabs: Names): Names[number][0] {
  const given = location.value.query.get('tab');
  return (tabs.find(([name]) => name === given) ?? tabs[0])?.[0] ?? '';
}

export interface TabsProps {
  readonly of: readonly Tab[];
  readonly label: string;
  readonly current: string;
}

export function Tabs({ of, label, current }: TabsProps) {
  const show = (name: string): void => setQuery({ tab: name === of[0]?.[0] ? undefined : name });
  const byArrows = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const place = of.findIndex(([name]) => name === current);
    const next = of[(place + step + of.length) % of.length];
    if (!next) return;
    show(next[0]);
    const list = event.currentTarget as HTMLElement;
    list.querySelector<HTMLElement>(`[data-tab="${next[0]}"]`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={byArrows}>
      {of.map(([name, text]) => (
        <button
          key={name}
          type="button"
          role="tab"
          data-tab={name}
          aria-selected={name === current}
          tabIndex={name === current ? 0 : -1}
          onClick={() => show(name)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
