import type { Routed } from './routed.js';

/** Somebody who hears topics, and for whom nothing is kept. */
export interface HubListener {
  hears(topic: string): boolean;
  /** Must not throw. */
  hear(message: Routed): void;
}

/** How many topics it is remembered of who hears them. */
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

  /** Lets those hear it, in a later turn, who still listen then. Returns how many listen now. */
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
