/** `toast('Agent worker-1 is paused')`, `toast(error.message, 'bad')`: a line at the edge that goes by itself, read out by screen readers. */
import { signal } from '@preact/signals';
import { Icon } from './icon.js';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: 'good' | 'bad';
}

const toasts = signal<readonly Toast[]>([]);
const SHOWN_MS = 6_000;
let last = 0;

export function toast(text: string, kind: Toast['kind'] = 'good'): void {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-3), { id, text, kind }];
  setTimeout(() => drop(id), SHOWN_MS);
}

const drop = (id: number): void => {
  toasts.value = toasts.value.filter((each) => each.id !== id);
};

/** Rendered once, by the app. */
export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {toasts.value.map(({ id, text, kind }) => (
      <div key={id} class={`toast ${kind}`}>
        <Icon name={kind === 'good' ? 'check' : 'dead'} />
        <span>{text}</span>
        <button type="button" aria-label="dismiss" onClick={() => drop(id)}>
          <Icon name="close" />
        </button>
      </div>
    ))}
  </div>
);
