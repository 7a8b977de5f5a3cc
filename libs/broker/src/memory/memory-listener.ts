import { topicMatches } from 'agentmq/protocol';
import type { Incoming } from '../broker.js';
import type { AnyMemoryConsumer } from './memory-consumer.js';
import type { MemoryHub } from './memory-hub.js';
import type { HubListener } from './memory-listeners.js';
import { copyOf } from './memory-sources.js';
import type { Routed } from './routed.js';

/** Hears topics while its client is connected; nothing waits for it. */
export class MemoryListener implements AnyMemoryConsumer, HubListener {
  private closed = false;

  constructor(
    private readonly hub: MemoryHub,
    private readonly topics: readonly string[],
    private readonly handler: (message: Incoming) => void,
    private readonly onClose: () => void,
  ) {}

  attach(): void {
    if (!this.closed) this.hub.listeners.add(this);
  }

  cut(): void {
    this.hub.listeners.remove(this);
  }

  /** It has no inbox that could be deleted. */
  reattach(): void {}

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.cut();
    this.onClose();
  }

  hears(topic: string): boolean {
    return this.topics.some((pattern) => topicMatches(pattern, topic));
  }

  hear(message: Routed): void {
    try {
      this.handler({ ...copyOf(message), recipient: message.recipient, redelivered: false });
    } catch {
      return;
    }
  }
}
