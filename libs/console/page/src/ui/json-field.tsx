/**
 * A text area for a JSON object, which tells what is wrong while it is written:
 *
 *     const { value, error } = parsed(text);
 *     <JsonField label="Payload" value={text} onInput={setText} error={error} />
 */
import { useId } from 'preact/hooks';

export interface Parsed {
  readonly value?: object;
  readonly error?: string;
}

export function parsed(text: string): Parsed {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? { value } : { error: 'It has to be a JSON object.' };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

export interface JsonFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (text: string) => void;
  readonly error?: string | undefined;
}

export function JsonField({ label, value, onInput, error }: JsonFieldProps) {
  const told = useId();
  return (
    <label class="field">
      <span>{label}</span>
      <textarea
        class="json"
        rows={Math.min(18, Math.max(6, value.split('\n').length + 1))}
        value={value}
        spellcheck={false}
        autocapitalize="off"
        aria-invalid={error !== undefined}
        aria-describedby={told}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
      <small id={told} class={error === undefined ? '' : 'bad'} aria-live="polite">
        {error ?? 'Valid JSON'}
      </small>
    </label>
  );
}
