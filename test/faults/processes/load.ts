import { Injectable } from '@nestjs/common';
import { AgentClient } from 'agentmq/agent';
import { AgentMQError } from 'agentmq/protocol';
import { setTimeout as delay } from 'node:timers/promises';
import { contractFor, type Kind, NumberedFragile, ROLE } from '../numbered.js';
import { Journal } from '../journal.js';
import { readVariables } from './variables.js';

/** A load of numbered messages. */
export interface LoadOrder {
  /** The first number. */
  readonly from: number;
  /** Numbers to be accepted: those that are refused come on top. */
  readonly count: number;
  /** Messages per second; 0 for as many as go. */
  readonly rate: number;
  /** Sends under way at once. */
  readonly sending: number;
  readonly kind: Kind;
  /** Which of the fragile ones kill their handler's process, counted from 0. */
  readonly deadly: readonly number[];
  /** How much later than sent they are to be delivered, in ms. */
  readonly delayMs: number;
}

/** How far the load has come. */
export interface LoadStatus {
  readonly running: boolean;
  readonly offered: number;
  readonly accepted: number;
  /** Refusals by code of the error. */
  readonly refused: Readonly<Record<string, number>>;
}

/** After a refusal, so that what is away is not stormed. */
const REFUSED_PAUSE_MS = 50;

/** Sends numbers, each of them once, and notes what became of it. */
@Injectable()
export class Load {
  private readonly journal = new Journal(readVariables().journal);
  private running = 0;
  private offered = 0;
  private accepted = 0;
  private readonly refused: Record<string, number> = {};
  private stopping = false;

  constructor(private readonly agents: AgentClient) {}

  get status(): LoadStatus {
    const { offered, accepted, refused } = this;
    return { running: this.running > 0, offered, accepted, refused };
  }

  /** Begins a load; returns at once. */
  begin(order: LoadOrder): void {
    const began = performance.now();
    let next = 0;
    let open = 0;
    let accepted = 0;
    this.stopping = false;
    const worker = async (): Promise<void> => {
      this.running++;
      while (!this.stopping && accepted < order.count) {
        if (accepted + open >= order.count) {
          await delay(5);
          continue;
        }
        const place = next++;
        open++;
        const due = order.rate > 0 ? began + (place * 1_000) / order.rate : 0;
        if (due > performance.now()) await delay(due - performance.now());
        // an order to stop that came meanwhile leaves this number out
        const taken = !this.stopping && (await this.send(order, place));
        open--;
        if (taken) accepted++;
      }
      this.running--;
    };
    for (let index = 0; index < order.sending; index++) void worker();
  }

  /** Begins no further send. */
  stop(): void {
    this.stopping = true;
  }

  private async send({ from, kind, deadly, delayMs }: LoadOrder, place: number): Promise<boolean> {
    const n = from + place;
    const payload = deadly.includes(place) ? ({ n, deadly: true } satisfies NumberedFragile) : { n };
    this.offered++;
    this.journal.offer(n);
    try {
      const options = delayMs > 0 ? { delay: delayMs } : {};
      await this.agents.send({ role: ROLE }, contractFor(kind, n), payload, options);
    } catch (error) {
      const code = error instanceof AgentMQError ? error.code : error instanceof Error ? error.name : 'unknown';
      this.refused[code] = (this.refused[code] ?? 0) + 1;
      await delay(REFUSED_PAUSE_MS);
      return false;
    }
    this.journal.accept(n);
    this.accepted++;
    return true;
  }
}
