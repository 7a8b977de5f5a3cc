/**
 * Asks before something is changed:
 *
 *     const answer = await confirm({
 *       title: 'Requeue this group',
 *       count: (signal) => dryRun('/dead-letters/requeue', { group }, signal).then(({ matched }) => matched),
 *       text: (n) => `Requeues ${plural(n ?? 0, 'dead letter')} to their consumers.`,
 *       action: 'Requeue', kind: 'primary', reason: 'optional',
 *     });
 *     if (answer) await post(…, { reason: answer.reason });
 *
 * or, with errors shown in the dialog and a toast at the end, `run: (reason) => post(…)` and `done: 'Requeued'`.
 * Other forms are put into `<Dialog title onClose>`. Focus stays inside, Escape closes, focus goes back to where it was.
 */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from './basics.js';
import { toast } from './toasts.js';

export interface Confirmation {
  readonly title: string;
  /** How many rows it is about: asked when the dialog opens, and needed before it can be confirmed. The signal aborts as it closes. */
  readonly count?: (signal: AbortSignal) => Promise<number>;
  /** The count is undefined while it is being asked, or where there is none. */
  readonly text: (count: number | undefined) => ComponentChildren;
  readonly action: string;
  /** What leaves it as it is; "Cancel" unless given. */
  readonly dismissal?: string;
  readonly kind?: 'primary' | 'danger';
  readonly reason?: 'required' | 'optional';
  /** Done on confirmation, with the dialog open: what it rejects with is shown there. */
  readonly run?: (reason: string) => Promise<unknown>;
  /** Told in a toast after `run`. */
  readonly done?: string;
}

interface Open extends Confirmation {
  readonly settle: (answer: { readonly reason: string } | undefined) => void;
}

const open = signal<Open | undefined>(undefined);

/** Resolves with the reason (empty where none is given), undefined when it was not confirmed. */
export const confirm = (confirmation: Confirmation): Promise<{ readonly reason: string } | undefined> =>
  new Promise((resolve) => {
    open.value?.settle(undefined);
    const settle: Open['settle'] = (answer) => {
      open.value = undefined;
      resolve(answer);
    };
    open.value = { ...confirmation, settle };
  });

/** Rendered once, by the app. */
export const Confirmations = () => open.value && <Confirm key={open.value.title} {...open.value} />;

function Confirm({
  title,
  count,
  text,
  action,
  dismissal = 'Cancel',
  kind = 'primary',
  reason,
  run,
  done,
  settle,
}: Open) {
  const [rows, setRows] = useState<number>();
  const [why, setWhy] = useState('');
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const tell = (error: unknown): void => setFault(error instanceof Error ? error.message : String(error));
  useEffect(() => {
    const closed = new AbortController();
    count?.(closed.signal).then(setRows, (error: unknown) => {
      if (!closed.signal.aborted) tell(error);
    });
    return () => closed.abort();
  }, []);
  const confirmed = async (): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    try {
      await run?.(why.trim());
      settle({ reason: why.trim() });
      if (done) toast(done);
    } catch (error) {
      tell(error);
      setBusy(false);
    }
  };
  const waits = (count !== undefined && rows === undefined) || (reason === 'required' && why.trim() === '');
  return (
    <Dialog title={title} onClose={() => settle(undefined)} onSubmit={() => void confirmed()}>
      <div class="text" aria-live="polite">
        {text(rows)}
      </div>
      {reason && (
        <label class="field">
          <span>Reason{reason === 'optional' && <small> (optional)</small>}</span>
          <input value={why} maxLength={500} onInput={({ currentTarget }) => setWhy(currentTarget.value)} />
        </label>
      )}
      {fault && (
        <p class="status bad" role="alert">
          {fault}
        </p>
      )}
      <footer>
        <Button onClick={() => settle(undefined)}>{dismissal}</Button>
        <Button type="submit" kind={kind} disabled={waits} busy={busy}>
          {action}
        </Button>
      </footer>
    </Dialog>
  );
}

export interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly onClose: () => void;
  readonly onSubmit?: () => void;
  readonly wide?: boolean;
}

export function Dialog({ title, children, onClose, onSubmit, wide = false }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={element} class={wide ? 'wide' : ''} aria-label={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit?.();
        }}
      >
        <h2>{title}</h2>
        {children}
      </form>
    </dialog>
  );
}
