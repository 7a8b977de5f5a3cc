/**
 * What a view shows, asked for again whenever the server tells that it changed.
 *
 *     const agents = useQuery((signal) => get<Page<AgentRow>>('/agents', {}, signal), [], ['agents']);
 *     if (!agents.data) return <Pending of={agents} />;
 *
 *     const letters = usePages<DeadLetterRow>('/dead-letters', filters, ['dead-letters']);
 *     <Table rows={letters.items} … /> <More of={letters} />
 *
 * While asked anew, the data of before stays; it goes when `dependencies` (or path and query) change. What fails because the server is
 * away is asked again after 3 s while the page is shown, until it is answered; meanwhile `outdated` says why what is shown is old.
 */
import { signal } from '@preact/signals';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get, isPassing, type Query } from './client.js';
import { later } from './later.js';
import { onChanged, type What } from './live.js';
import { joined } from './pages.js';
import type { Page } from './types.js';

export interface Asked<T> {
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly loading: boolean;
  reload(): void;
}

interface State<T> {
  readonly data?: T;
  readonly error?: Error;
  readonly loading: boolean;
}

const RETRY_MS = 3_000;

/** Why what is shown could not be read anew; by what was asked. */
export const outdated = signal<ReadonlyMap<object, Error>>(new Map());

function note(asked: object, fault: Error | undefined): void {
  if (fault === outdated.value.get(asked)) return;
  const faults = new Map(outdated.value);
  if (fault) faults.set(asked, fault);
  else faults.delete(asked);
  outdated.value = faults;
}

export function useQuery<T>(
  load: (signal: AbortSignal) => Promise<T>,
  dependencies: readonly unknown[],
  refreshOn: readonly What[] = [],
): Asked<T> {
  const { state, reload } = useAsked(load, dependencies, refreshOn);
  return { data: state.data, error: state.error, loading: state.loading, reload };
}

interface Asking<T> {
  readonly state: State<T>;
  reload(): void;
  /** In place of the data that was loaded. */
  put(data: T): void;
}

function useAsked<T>(
  load: (signal: AbortSignal) => Promise<T>,
  dependencies: readonly unknown[],
  refreshOn: readonly What[],
): Asking<T> {
  const [state, setState] = useState<State<T>>({ loading: true });
  const latest = useRef(load);
  latest.current = load;
  const running = useRef<AbortController | undefined>(undefined);
  const again = useRef(false);
  const retry = useRef<(() => void) | undefined>(undefined);
  const ask = useCallback(() => {
    const abort = (running.current = new AbortController());
    again.current = false;
    retry.current?.();
    setState((before) => ({ ...before, loading: true }));
    const answered = (next: (before: State<T>) => State<T>): void => {
      if (abort.signal.aborted) return;
      running.current = undefined;
      setState(next);
      if (again.current) ask();
    };
    latest.current(abort.signal).then(
      (data) => answered(() => ({ data, loading: false })),
      (error: unknown) => {
        if (isPassing(error) && !abort.signal.aborted) retry.current = later(RETRY_MS, reload);
        answered((before) => ({
          ...before,
          error: error instanceof Error ? error : new Error(String(error)),
          loading: false,
        }));
      },
    );
  }, []);
  // a request that runs is not begun anew: where changes come faster than answers there would never be one
  const reload = useCallback(() => {
    if (running.current) again.current = true;
    else ask();
  }, []);
  useEffect(() => {
    setState({ loading: true });
    ask();
    return () => {
      running.current?.abort();
      running.current = undefined;
      retry.current?.();
    };
  }, dependencies);
  useEffect(() => (refreshOn.length > 0 ? onChanged(refreshOn, reload) : undefined), []);
  useEffect(() => note(latest, state.data === undefined ? undefined : state.error), [state]);
  useEffect(() => () => note(latest, undefined), []);
  const put = useCallback((data: T) => setState((before) => ({ ...before, data })), []);
  return { state, reload, put };
}

export interface Pages<Item> {
  readonly items: readonly Item[] | undefined;
  readonly error: Error | undefined;
  readonly loading: boolean;
  /** There are more than those shown. */
  readonly hasMore: boolean;
  more(): void;
  reload(): void;
}

const PAGE = 50;
const MOST = 1_000;

/** What is shown of one list. */
interface Shown<Item> {
  readonly key: string;
  readonly page: Page<Item>;
  readonly wanted: number;
}

const idOf = (item: unknown): string => (item as { readonly id: string }).id;

/**
 * A list by pages, which `more` adds to. When it changed it is read anew from its top, as far as is shown; `keyOf` tells the rows apart
 * that have no id of their own.
 */
export function usePages<Item>(
  url: string,
  query: Query = {},
  refreshOn: readonly What[] = [],
  keyOf: (item: Item) => string = idOf,
): Pages<Item> {
  const key = `${url} ${JSON.stringify(query)}`;
  // what a page that arrives is joined to, also while another request is under way
  const shown = useRef<Shown<Item> | undefined>(undefined);
  const current = useRef(key);
  current.current = key;
  const [fault, setFault] = useState<Error>();
  const [adding, setAdding] = useState<string>();
  const now = (): Shown<Item> | undefined => (shown.current?.key === key ? shown.current : undefined);
  const show = (page: Page<Item>, wanted: number): Page<Item> => {
    shown.current = { key, page, wanted };
    return page;
  };
  const { state, reload, put } = useAsked<Page<Item>>(
    async (signal) => {
      const limit = Math.min(now()?.wanted ?? PAGE, MOST);
      const top = await get<Page<Item>>(url, { limit, ...query }, signal);
      signal.throwIfAborted();
      setFault(undefined);
      const { page, wanted } = now() ?? { wanted: PAGE };
      return show(page ? joined(top, { limit, shown: page, wanted, keyOf }) : top, wanted);
    },
    [key],
    refreshOn,
  );
  const add = async (): Promise<void> => {
    for (;;) {
      const after = now()?.page.next;
      if (after === undefined) return;
      const page = await get<Page<Item>>(url, { limit: PAGE, ...query, after });
      const before = now();
      if (!before || current.current !== key) return;
      // the list was read anew meanwhile, and ends at another place: this page would leave a gap
      if (before.page.next !== after) continue;
      put(show({ ...page, items: [...before.page.items, ...page.items] }, before.wanted + PAGE));
      return;
    }
  };
  const more = (): void => {
    if (adding === key) return;
    setAdding(key);
    setFault(undefined);
    add()
      .catch((error: unknown) => current.current === key && setFault(error as Error))
      .finally(() => setAdding((before) => (before === key ? undefined : before)));
  };
  const { data, error, loading } = state;
  return {
    items: data?.items,
    error: data ? fault : error,
    loading: loading || adding === key,
    hasMore: data?.next !== undefined,
    more,
    reload,
  };
}
