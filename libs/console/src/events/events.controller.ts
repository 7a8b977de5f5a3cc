import { type MessageEvent, Sse } from '@nestjs/common';
import { type LiveEvent, LiveView } from 'agentmq/operations';
import { endWith, ignoreElements, interval, map, merge, type Observable, share, takeUntil, timer } from 'rxjs';
import { LONGEST_STREAM_MS, OperationsController } from '../operations.js';

/** The page takes a stream that is silent for 15 s for broken. Proxies end connections that are silent for long. */
const HEARTBEAT_MS = 5_000;
/** Characters that wait for a connection that is too slow: a connection with more is dropped. */
const MOST_PENDING = 1024 * 1024;

/** What happens, as server-sent events. A browser hides comments from the page: a heartbeat is an event, `alive`. */
@OperationsController('events')
export class EventsController {
  constructor(private readonly live: LiveView) {}

  @Sse('', { maxPendingDataLength: MOST_PENDING })
  watch(): Observable<MessageEvent> {
    const events = this.live.watch().pipe(
      map(({ type, data }: LiveEvent): MessageEvent => ({ type, data })),
      share(),
    );
    const ended = events.pipe(ignoreElements(), endWith(true));
    const heartbeats = interval(HEARTBEAT_MS).pipe(map((): MessageEvent => ({ type: 'alive', data: {} })));
    return merge(events, heartbeats).pipe(takeUntil(merge(ended, timer(LONGEST_STREAM_MS))));
  }
}
