import { afterAll, afterEach, beforeEach, expect, it, jest } from '@jest/globals';

/** As much of the browser as the module uses. */
class Stream extends EventTarget {
  static readonly opened: Stream[] = [];

  constructor() {
    super();
    Stream.opened.push(this);
  }

  close(): void {}

  tell(type: string, data: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), { data: JSON.stringify(data) }));
  }
}
const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
Object.assign(globalThis, { document: page, EventSource: Stream });

const { connect, connection, disconnect, onChanged } = await import('./live.js');

let readAnew = 0;
const end = onChanged(['agents'], () => readAnew++);
const overview = (at: string) => ({ at, history: [] });

beforeEach(() => {
  jest.useFakeTimers();
  readAnew = 0;
  Stream.opened.length = 0;
  connect();
  Stream.opened[0]?.tell('open');
  jest.advanceTimersByTime(500);
  expect(readAnew).toBe(1);
});

afterEach(() => {
  disconnect();
  jest.useRealTimers();
});

afterAll(end);

it('a server whose database is slow keeps its stream, and nothing is read anew from it', () => {
  const [stream] = Stream.opened;
  for (const at of ['10:00:00', '10:00:20', '10:00:40']) {
    stream?.tell('overview', overview(at));
    expect(connection.value).toBe('live');
    for (let heard = 0; heard < 4; heard++) {
      jest.advanceTimersByTime(5_000);
      stream?.tell('alive');
    }
    expect(connection.value).toBe('lost');
  }
  expect(Stream.opened).toHaveLength(1);
  expect(readAnew).toBe(1);
});

it('a stream that is silent is replaced, and everything is read anew', () => {
  Stream.opened[0]?.tell('overview', overview('11:00:00'));
  jest.advanceTimersByTime(15_000);
  expect(connection.value).toBe('lost');
  expect(Stream.opened).toHaveLength(2);
  Stream.opened[1]?.tell('open');
  jest.advanceTimersByTime(500);
  expect(readAnew).toBe(2);
  // what the server had read before is no sign that it can read now
  Stream.opened[1]?.tell('overview', overview('11:00:00'));
  expect(connection.value).toBe('lost');
  Stream.opened[1]?.tell('overview', overview('11:00:02'));
  expect(connection.value).toBe('live');
});
