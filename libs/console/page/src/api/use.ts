/**
 * What a view shows, asked for again whenever the server tells that it changed.
 *
 *     const agents = useQuery((signal) => get<Page<AgentRow>>('/agents', {}, signal), [], ['agents']);
 *     if (!agents.data) return <Pending of={agents} />;
 *
 *     const letters = usePages<DeadLetterRow>('/dead-letters', filters, ['dead-letters']);
 *     <Table rows={letters.items} … /> <More of={letters} />
 *
 * While asked anew, the data of before stays; it goes when `dependencies` (or path and query) change.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get, type Query } from './client.js';
import { onChanged, type What } from './live.js';
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

export function useQuery<T>(
  load: (signal: AbortSignal) => Promise<T>,
  dependencies: readonly unknown[],
  refreshOn: readonly What[] = [],
): Asked<T> {
  const [state, setState] = useState<State<T>>({ loading: true });
  const latest = useRef(load);
  latest.current = load;
  const running = useRef<AbortController | undefined>(undefined);
  const again = useRef(false);
  const ask = useCallback(() => {
    const abort = (running.current = new AbortController());
    again.current = false;
    setState((before) => ({ ...before, loading: true }));
    const answered = (next: (before: State<T>) => State<T>): void => {
      if (abort.signal.aborted) return;
      running.current = undefined;
      setState(next);
      if (again.current) ask();
    };
    latest.current(abort.signal).then(
      (data) => answered(() => ({ data, loading: false })),
      (error: unknown) =>
        answered((before) => ({
          ...before,
          error: error instanceof Error ? error : new Error(String(error)),
          loading: false,
        })),
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
    };
  }, dependencies);
  useEffect(() => (refreshOn.length > 0 ? onChanged(refreshOn, reload) : undefined), []);
  return { data: state.data, error: state.error, loading: state.loading, reload };
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

/** A list by pages, which `more` adds to. When it changed, as many as are shown are asked for anew, 1,000 at most. */
export function usePages<Item>(url: string, query: Query = {}, refreshOn: readonly What[] = []): Pages<Item> {
  const key = `${url} ${JSON.stringify(query)}`;
  const [added, setAdded] = useState<{
    readonly key: string;
    readonly items: readonly Item[];
    readonly next?: string;
  }>();
  const [fault, setFault] = useState<Error>();
  const [adding, setAdding] = useState(false);
  const shown = useRef(PAGE);
  const first = useQuery<Page<Item>>(
    async (signal) => {
      const page = await get<Page<Item>>(url, { limit: Math.min(shown.current, MOST), ...query }, signal);
      setAdded(undefined);
      setFault(undefined);
      return page;
    },
    [key],
    refreshOn,
  );
  useEffect(() => {
    shown.current = PAGE;
  }, [key]);
  const current = added?.key === key ? added : undefined;
  const items = first.data && [...first.data.items, ...(current?.items ?? [])];
  const next = current ? current.next : first.data?.next;
  const more = (): void => {
    if (next === undefined || adding) return;
    setAdding(true);
    get<Page<Item>>(url, { limit: PAGE, ...query, after: next })
      .then((page) => {
        const all = [...(current?.items ?? []), ...page.items];
        shown.current = (first.data?.items.length ?? 0) + all.length;
        setAdded({ key, items: all, ...(page.next === undefined ? {} : { next: page.next }) });
      })
      .catch((error: unknown) => setFault(error as Error))
      .finally(() => setAdding(false));
  };
  const { error, loading, reload } = first;
  return { items, error: error ?? fault, loading: loading || adding, hasMore: next !== undefined, more, reload };
}
