import type { Routed } from './routed.js';

/** A listener to topics; no message is kept for it. */
export interface HubListener {
  hears(topic: string): boolean;
  /** Must not throw. */
  hear(message: Routed): void;
}

/** The most topics whose listeners are remembered. */
const MAX_TOPICS = 10_000;

/** All that listen now. */
export class MemoryListeners {
  private readonly all = new Set<HubListener>();
  private readonly byTopic = new Map<string, readonly HubListener[]>();

  constructor(private readonly later: (task: () => void) => void) {}

  add(listener: HubListener): void {
    this.all.add(listener);
    this.byTopic.clear();
  }

  remove(listener: HubListener): void {
    this.all.delete(listener);
    this.byTopic.clear();
  }

  /** Hands it, in a later turn, to the listeners that there are then. Returns how many listen now. */
  tell(message: Routed): number {
    if (message.recipient.kind !== 'topic') return 0;
    const listeners = this.listenersOf(message.recipient.name);
    for (const listener of listeners) {
      this.later(() => {
        if (this.all.has(listener)) listener.hear(message);
      });
    }
    return listeners.length;
  }

  private listenersOf(topic: string): readonly HubListener[] {
    let found = this.byTopic.get(topic);
    if (!found) {
      if (this.byTopic.size >= MAX_TOPICS) this.byTopic.clear();
      found = [...this.all].filter((listener) => listener.hears(topic));
      this.byTopic.set(topic, found);
    }
    return found;
  }
}
