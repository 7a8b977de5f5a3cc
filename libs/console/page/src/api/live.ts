/**
 * Server-sent events of `/events`: `overview` and `flow` as signals, and `changed`, which `useQuery` listens to. The stream is
 * closed while the page is hidden, so that a forgotten tab costs the server nothing, and everything is asked anew when it is shown.
 */
import { effect, signal } from '@preact/signals';
import type { ChangedList } from 'agentmq/operations';
import { get, needsLogin } from './client.js';
import type { Flow, Overview } from './types.js';

/** A list that may have to be read again. */
export type What = ChangedList;

export const overview = signal<Overview | undefined>(undefined);
export const flow = signal<Flow | undefined>(undefined);
/**
 * `live` while overviews arrive; `lost` once none has for 15 s, or the server can't be reached. A stream alone is no sign of life: it
 * stays open while the server's database is away.
 */
export const connection = signal<'connecting' | 'live' | 'lost'>('connecting');

const HIDDEN_MS = 30_000;
const RETRY_MS = 3_000;
/** An overview is due every 2 s; a server whose database is slow rests for 8 s at most between two. */
const STALE_MS = 15_000;
/** The server says something every 5 s, however slow its database is. When it doesn't, its host may have gone without a word. */
const SILENT_MS = 15_000;
/** An hour: the first event has what the server knows of it, the next ones what is new. */
const MOST_POINTS = 360;
/** Changes that come close together cause one request. */
const SETTLE_MS = 400;

interface Listener {
  readonly what: ReadonlySet<What>;
  readonly changed: () => void;
}

const listeners = new Set<Listener>();
let source: EventSource | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let stale: ReturnType<typeof setTimeout> | undefined;
let silence: ReturnType<typeof setTimeout> | undefined;
let hidden: ReturnType<typeof setTimeout> | undefined;
let settle: ReturnType<typeof setTimeout> | undefined;
/** It was closed because the page is hidden. */
let rests = false;
const due = new Set<Listener>();

/** Calls back when something of that kind may have changed; returns what ends it. */
export function onChanged(what: readonly What[], changed: () => void): () => void {
  const listener = { what: new Set(what), changed };
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    due.delete(listener);
  };
}

/** Has every view of that kind ask anew: after a change from this page, whose event may take a moment. */
export function changed(what: readonly What[]): void {
  for (const listener of listeners) if (what.some((each) => listener.what.has(each))) due.add(listener);
  settle ??= setTimeout(() => {
    settle = undefined;
    const called = [...due];
    due.clear();
    for (const listener of called) listener.changed();
  }, SETTLE_MS);
}

function everythingChanged(): void {
  changed([...listeners].flatMap(({ what }) => [...what]));
}

/** Begins, again after a login. */
export function connect(): void {
  disconnect();
  const stream = (source = new EventSource('/events'));
  const expectOverview = (): void => {
    clearTimeout(stale);
    stale = setTimeout(lose, STALE_MS);
  };
  // a stream of a server with a slow database is kept: each new one has all views read anew, from that database
  const expectEvent = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      lose();
      connect();
    }, SILENT_MS);
  };
  expectOverview();
  expectEvent();
  for (const event of ['open', 'overview', 'flow', 'changed', 'alive']) stream.addEventListener(event, expectEvent);
  let isFirst = true;
  stream.addEventListener('open', () => {
    isFirst = true;
    // what changed before it was open was told to others only
    everythingChanged();
  });
  stream.addEventListener('overview', ({ data }) => {
    const next = JSON.parse(data as string) as Overview;
    const before = isFirst ? [] : (overview.value?.history ?? []);
    isFirst = false;
    // a new stream begins with what the server has read last: that may be what is shown already
    if (next.at !== overview.value?.at) {
      connection.value = 'live';
      expectOverview();
    }
    overview.value = { ...next, history: [...before, ...next.history].slice(-MOST_POINTS) };
  });
  stream.addEventListener('flow', ({ data }) => (flow.value = JSON.parse(data as string) as Flow));
  stream.addEventListener('changed', ({ data }) => changed((JSON.parse(data as string) as { what: What[] }).what));
  stream.addEventListener('error', () => {
    // the server ends each stream after ten minutes: the first attempt to connect anew tells whether it is there
    if (connection.value === 'live') connection.value = 'connecting';
    else lose();
    // the browser reconnects by itself, unless it was answered otherwise than by a stream
    if (stream.readyState === EventSource.CLOSED && source === stream) retry = setTimeout(again, RETRY_MS, stream);
  });
}

/** What is shown may be old from here on. */
export function lose(): void {
  connection.value = 'lost';
}

/** A session that has ended shows the login, by the request that tells who the caller is. */
function again(stream: EventSource): void {
  const unlessClosed = (next: () => void) => (): void => {
    if (source === stream) next();
  };
  get('/me').then(
    unlessClosed(connect),
    unlessClosed(() => (retry = setTimeout(again, RETRY_MS, stream))),
  );
}

export function disconnect(): void {
  clearTimeout(retry);
  clearTimeout(stale);
  clearTimeout(silence);
  source?.close();
  source = undefined;
  rests = false;
}

/** Without a session nothing is listened to, and nothing is kept of the one before. */
effect(() => {
  if (!needsLogin.value) return;
  disconnect();
  connection.value = 'connecting';
  overview.value = undefined;
  flow.value = undefined;
});

document.addEventListener('visibilitychange', () => {
  clearTimeout(hidden);
  if (document.visibilityState === 'hidden') {
    hidden = setTimeout(() => {
      if (!source) return;
      disconnect();
      lose();
      rests = true;
    }, HIDDEN_MS);
  } else if (rests) {
    connect();
  }
});
