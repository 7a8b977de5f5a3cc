/**
 * Filters above a list, kept in the address, so that a filtered list can be linked to:
 *
 *     const fields: readonly Field[] = [
 *       { name: 'type', label: 'Type', placeholder: 'order' },
 *       { name: 'state', label: 'State', options: [['dead', 'Dead'], …] },
 *       { name: 'from', label: 'From', kind: 'time' },
 *     ];
 *     const values = useFilters(fields);            // { type: 'order' }: as the endpoint takes them, times in ISO 8601
 *     <Filters fields={fields} />
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { location, setQuery } from '../state/router.js';
import { Button } from './basics.js';

export interface Field {
  readonly name: string;
  readonly label: string;
  /** `time` is a date and time of the browser's zone. */
  readonly kind?: 'text' | 'time';
  readonly placeholder?: string;
  /** Rarely needed: shown when asked for, or when it is given. */
  readonly more?: boolean;
  /** Values and what they are called; an empty one, "any", is added. */
  readonly options?: readonly (readonly [value: string, label: string])[];
}

const TYPED_MS = 300;

/** The values that are given, by name. */
export function useFilters(fields: readonly Field[]): Readonly<Record<string, string>> {
  const { query } = location.value;
  return Object.fromEntries(
    fields.flatMap(({ name }) => {
      const value = query.get(name);
      return value ? [[name, value]] : [];
    }),
  );
}

export function Filters({ fields }: { readonly fields: readonly Field[] }) {
  const values = useFilters(fields);
  const [all, setAll] = useState(false);
  const shown = fields.filter(({ name, more = false }) => all || !more || values[name] !== undefined);
  const clear = (): void => setQuery(Object.fromEntries(fields.map(({ name }) => [name, undefined])));
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      {shown.map((field) => (
        <label key={field.name} class="field">
          <span>{field.label}</span>
          <Control {...field} value={values[field.name] ?? ''} />
        </label>
      ))}
      <div class="actions">
        {shown.length < fields.length && (
          <Button kind="quiet" icon="down" onClick={() => setAll(true)}>
            More filters
          </Button>
        )}
        {Object.keys(values).length > 0 && (
          <Button kind="quiet" icon="close" onClick={clear}>
            Clear
          </Button>
        )}
      </div>
    </form>
  );
}

function Control({ name, options, kind, placeholder, value }: Field & { readonly value: string }) {
  const set = (text: string): void => setQuery({ [name]: text || undefined });
  if (options) {
    return (
      <select value={value} onChange={({ currentTarget }) => set(currentTarget.value)}>
        <option value="">Any</option>
        {options.map(([each, label]) => (
          <option key={each} value={each}>
            {label}
          </option>
        ))}
      </select>
    );
  }
  if (kind === 'time') {
    return (
      <input
        type="datetime-local"
        value={value && localTime(new Date(value))}
        onChange={({ currentTarget: { value } }) => set(value && new Date(value).toISOString())}
      />
    );
  }
  return <Typed value={value} set={set} {...(placeholder === undefined ? {} : { placeholder })} />;
}

/** The address follows when typing rests. */
function Typed({ value, set, placeholder }: { value: string; set: (text: string) => void; placeholder?: string }) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const typed = (now: string): void => {
    setText(now);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set(now.trim()), TYPED_MS);
  };
  return (
    <input
      type="search"
      value={text}
      placeholder={placeholder}
      autocomplete="off"
      spellcheck={false}
      onInput={({ currentTarget }) => typed(currentTarget.value)}
    />
  );
}

const localTime = (at: Date): string =>
  new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
